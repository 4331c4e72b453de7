//! What `sideman` alone takes on time: who beats it, and how it is heard and sent.

use anyhow::{Context as _, ensure};
use clap::Args;

use crate::link::settings::Settings;
use crate::music::time::Meter;
use crate::standalone::action::CLICK;
use crate::standalone::conductor::TimeKeeper;
use crate::standalone::delay::MOST_SECONDS;
use crate::standalone::stage::Setup;

/// Who beats time.
#[derive(Args, Debug)]
#[command(next_help_heading = "Time")]
pub(super) struct TimeArgs {
    /// Beat time evenly at the tempo that is set (--set tempo=96), with clicks, after so many bars of count-in. Default: time
    /// begins with your first key and follows you
    #[arg(long, value_name = "BARS", num_args = 0..=1, default_missing_value = "1", conflicts_with = "midi_clock")]
    metronome: Option<u8>,
    /// How loudly the metronome clicks, in percent; by itself it clicks along with your own time
    #[arg(long, value_name = "PERCENT")]
    click: Option<f32>,
    /// Follow the MIDI clock that comes in: its tempo, start, stop and song position
    #[arg(long)]
    midi_clock: bool,
    /// Play so many milliseconds ahead of the MIDI clock, as long as the sound takes to be heard
    #[arg(
        long,
        value_name = "MS",
        default_value_t,
        allow_hyphen_values = true,
        requires = "midi_clock"
    )]
    lead: f64,
    /// Send a MIDI clock to the MIDI output
    #[arg(long)]
    send_clock: bool,
    /// The time signature
    #[arg(long, value_name = "N/M", default_value = "4/4")]
    meter: String,
    /// By how many milliseconds the instrument behind the MIDI output sounds later than the built-in sound; below 0 where it
    /// is earlier. The earlier one waits
    #[arg(long, value_name = "MS", default_value_t, allow_hyphen_values = true)]
    gear_delay: f64,
}

impl TimeArgs {
    /// The stage for these settings.
    pub(super) fn setup(&self, settings: Settings) -> anyhow::Result<Setup> {
        let most = 1_000.0 * MOST_SECONDS;
        for (name, value) in [("--lead", self.lead), ("--gear-delay", self.gear_delay)] {
            ensure!(value.abs() <= most, "{name}: at most {most} ms either way");
        }
        let time = match (self.midi_clock, self.metronome) {
            (true, _) => TimeKeeper::MidiClock,
            (false, Some(count_in)) => TimeKeeper::Metronome { count_in },
            (false, None) => TimeKeeper::Player,
        };
        let click = match self.click {
            Some(percent) => percent / 100.0,
            None if self.metronome.is_some() => CLICK,
            None => 0.0,
        };
        ensure!((0.0..=1.0).contains(&click), "--click: 0 to 100 percent");
        Ok(Setup {
            settings,
            time,
            meter: meter(&self.meter)?,
            click,
            lead: self.lead / 1_000.0,
            send_clock: self.send_clock,
            hold_back: self.gear_delay.max(0.0) / 1_000.0,
        })
    }

    /// Seconds by which what leaves by MIDI is held back.
    pub(super) fn gear_waits(&self) -> f64 {
        (-self.gear_delay).max(0.0) / 1_000.0
    }
}

/// Reads `6/8`.
fn meter(text: &str) -> anyhow::Result<Meter> {
    let parts = text.split_once('/').and_then(|(n, d)| Some((n.parse().ok()?, d.parse().ok()?)));
    let (numerator, denominator) = parts
        .with_context(|| format!("--meter: '{text}' is no time signature; write 3/4 or 6/8"))?;
    let known = (1..=32).contains(&numerator) && [1, 2, 4, 8, 16].contains(&denominator);
    ensure!(known, "--meter: 1 to 32 beats of a whole, half, quarter, eighth or sixteenth note");
    Ok(Meter { numerator, denominator })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_signatures_are_read_or_refused() {
        assert_eq!(meter("6/8").unwrap(), Meter { numerator: 6, denominator: 8 });
        for wrong in ["", "3", "3/", "0/4", "4/3", "300/4", "-1/4", "3/4/4"] {
            assert!(meter(wrong).is_err(), "{wrong}");
        }
    }
}
