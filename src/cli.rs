//! Floor 5, the command lines: what was typed becomes checked settings; what happens is shown.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the command lines are where we speak to the terminal"
)]

#[cfg(feature = "standalone")]
mod align;
#[cfg(feature = "train")]
mod bench;
#[cfg(feature = "train")]
mod compare;
#[cfg(feature = "train")]
mod composer;
#[cfg(feature = "train")]
pub mod composer_args;
pub mod config_file;
#[cfg(feature = "train")]
mod eval;
#[cfg(all(feature = "train", feature = "standalone"))]
mod generate;
#[cfg(feature = "train")]
mod guitars;
#[cfg(feature = "train")]
mod harmonist;
#[cfg(feature = "train")]
pub mod harmonist_args;
#[cfg(feature = "standalone")]
mod jam;
#[cfg(feature = "train")]
mod jsb;
#[cfg(feature = "train")]
pub mod learning;
#[cfg(feature = "train")]
mod listener;
#[cfg(feature = "train")]
pub mod listener_args;
#[cfg(feature = "standalone")]
mod live;
#[cfg(feature = "standalone")]
mod live_config;
#[cfg(feature = "train")]
mod lstm_names;
#[cfg(feature = "standalone")]
pub mod manual;
#[cfg(feature = "train")]
mod material;
#[cfg(feature = "standalone")]
mod models;
#[cfg(feature = "train")]
mod names_args;
#[cfg(feature = "train")]
mod pages;
#[cfg(feature = "train")]
pub mod pages_args;
#[cfg(feature = "standalone")]
mod play;
#[cfg(feature = "standalone")]
mod ports;
#[cfg(feature = "standalone")]
mod presets;
#[cfg(feature = "standalone")]
mod recover;
#[cfg(all(feature = "train", feature = "standalone"))]
mod share;
#[cfg(feature = "standalone")]
mod showing;
#[cfg(feature = "standalone")]
pub mod sideman;
#[cfg(feature = "standalone")]
mod sound_args;
#[cfg(feature = "train")]
mod tempo_following;
#[cfg(feature = "train")]
pub mod train;
#[cfg(feature = "train")]
pub mod train_args;

/// An error and its causes in one line. A message that tells its cause already is not told it again.
pub fn one_line(error: &anyhow::Error) -> String {
    let mut line = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if line.is_empty() {
            line = cause;
        } else if !line.ends_with(&cause) {
            line = format!("{line}: {cause}");
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_told_once() {
        let cause = || std::io::Error::other("the disk is full");
        let told = anyhow::Error::new(cause()).context("song.mid: the disk is full");
        assert_eq!(one_line(&told), "song.mid: the disk is full");
        let untold = anyhow::Error::new(cause()).context("song.mid");
        assert_eq!(one_line(&untold), "song.mid: the disk is full");
    }
}
