//! `sideman align`: measures by how much an instrument outside is later than the built-in sound.

use std::io::{IsTerminal as _, Write as _};

use anyhow::{anyhow, bail};
use clap::Args;

use crate::music::event::Channel;
use crate::standalone::jack_probe::measure;
use crate::standalone::loopback::{EACH, Probe, Way, way};

/// The arguments of `sideman align`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct AlignArgs {
    /// The channel that the instrument listens to
    #[arg(long, value_name = "1..16", default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=16))]
    channel: u8,
    /// Leave all ports unconnected: connect them yourself
    #[arg(long)]
    loose: bool,
}

const EXAMPLES: &str =
    "It plays eight clicks and then eight notes, and listens: put a microphone before speaker and
instrument, or lead both into an input by cable. On JACK, or on PipeWire by pw-jack:
  sideman align                      connects the machine's own speakers, inputs and MIDI outputs
  sideman align --loose              ports for you to connect: click, notes, ear
  sideman --jack --gear-delay 7.3    what it found, put to use";

pub(crate) fn run(args: &AlignArgs) -> anyhow::Result<()> {
    let show = std::io::stderr().is_terminal();
    let (heard, rate) = measure(Channel::new(args.channel - 1), !args.loose, |share| {
        if show {
            eprint!("\rlistening: {:3.0} %", 100.0 * share);
            let _ = std::io::stderr().flush();
        }
    })
    .map_err(|e| anyhow!(e))?;
    if show {
        eprintln!();
    }
    let [click, note] = [Probe::Click, Probe::Note].map(|probe| way(&heard, rate, probe));
    println!("built-in sound: {}", told(click));
    println!("instrument:     {}", told(note));
    let (Some(click), Some(note)) = (click, note) else {
        bail!("what was not heard can't be measured: turn it up, or look at the cables");
    };
    let later = note.millis - click.millis;
    println!("play with --gear-delay {later:.1}");
    Ok(())
}

fn told(way: Option<Way>) -> String {
    way.map_or_else(
        || "not heard".to_owned(),
        |Way { millis, spread, heard }| {
            format!(
                "{millis:.1} ms there and back (within {spread:.1} ms, {heard} of {EACH} heard)"
            )
        },
    )
}
