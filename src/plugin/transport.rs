//! The host's transport in our terms, mended where the framework splits blocks.
//!
//! The framework calls us once for each stretch between two automation points of a host block. For the later
//! stretches it computes the position from the tempo, also where the host sent a new position in between
//! and where nothing rolls, and it counts bars from the start of the song. A stretch is known by its
//! samples: they follow right behind those of the stretch before.

use nice_plug::context::process::Transport as HostTransport;

use crate::live::block::Transport;
use crate::music::time::{Beats, Meter, Tempo};
use crate::plugin::bar_line::BarLine;

/// What must be remembered from one stretch to the next.
#[derive(Debug, Default)]
pub(crate) struct Seam {
    /// The address right behind the last stretch's first output channel.
    end: usize,
    /// Samples of the host's block before this stretch.
    passed: u32,
    /// The position in beats that the host last told, and the sample of its block that it holds for.
    told: Option<(f64, u32)>,
    /// Where the bar at the start of the host's block began, in beats.
    bar_start: Option<f64>,
    bar_line: BarLine,
}

impl Seam {
    /// The transport at the first sample of a stretch whose first output channel lies at `samples`. `tempo`
    /// counts where the host tells none.
    ///
    /// Audio thread. No allocation, lock or system call.
    pub(crate) fn cross(
        &mut self,
        host: &HostTransport,
        samples: &[f32],
        tempo: Tempo,
    ) -> Option<Transport> {
        let range = samples.as_ptr_range();
        let continues = range.start as usize == self.end && self.end != 0;
        let before = if continues { self.passed } else { 0 };
        self.end = range.end as usize;
        self.passed = before.saturating_add(samples.len().try_into().unwrap_or(u32::MAX));
        if !continues {
            self.told = None;
        }
        let told_tempo = host.tempo.filter(|t| t.is_finite() && *t > 0.0).map(Tempo::new);
        let known = host.playing || told_tempo.is_some() || host.pos_beats.is_some();
        let position = host.pos_beats.filter(|b| b.is_finite()).map(|shown| {
            let rate = f64::from(host.sample_rate);
            // In the framework's own order, so that the same position comes out to the last bit or so.
            let added = host.tempo.map_or(0.0, |t| f64::from(before) / rate / 60.0 * t);
            let told = shown - added;
            let since = match self.told {
                Some((last, since)) if (last - told).abs() < 1e-7 => since,
                _ => before,
            };
            self.told = Some((told, since));
            let rolled = if host.playing { f64::from(before - since) } else { 0.0 };
            let tempo = told_tempo.unwrap_or(tempo).beats_per_minute();
            Beats(told + rolled / rate / 60.0 * tempo)
        });
        let meter = meter(host.time_sig_numerator, host.time_sig_denominator);
        if !continues {
            let told = host.bar_start_pos_beats.filter(|b| b.is_finite());
            self.bar_start =
                told.zip(position).map(|(told, at)| self.bar_line.begin(told, at.0, meter));
        }
        known.then(|| Transport {
            playing: host.playing,
            tempo: told_tempo,
            position,
            bar_start: position.and(self.bar_start).map(Beats),
            meter,
        })
    }
}

/// The transport `samples` later in the same stretch.
///
/// Audio thread. No allocation, lock or system call.
pub(crate) fn later(transport: Transport, samples: u32, rate: f64, tempo: Tempo) -> Transport {
    let tempo = transport.tempo.unwrap_or(tempo);
    let rolled = f64::from(samples) / rate * tempo.beats_per_minute() / 60.0;
    let rolled = if transport.playing { rolled } else { 0.0 };
    Transport { position: transport.position.map(|b| Beats(b.0 + rolled)), ..transport }
}

fn meter(numerator: Option<i32>, denominator: Option<i32>) -> Meter {
    let read = |x: Option<i32>| x.and_then(|x| u8::try_from(x).ok()).filter(|x| *x > 0);
    match (read(numerator), read(denominator)) {
        (Some(numerator), Some(denominator)) => Meter { numerator, denominator },
        _ => Meter::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: f32 = 48_000.0;

    /// What the framework makes of a host that rolls at 120 and told `told` beats, `before` samples into the
    /// host's block.
    fn rolling(told: f64, before: u32) -> HostTransport {
        let mut host = HostTransport::new(RATE);
        host.playing = true;
        host.tempo = Some(120.0);
        host.pos_beats = Some(told + f64::from(before) / f64::from(RATE) / 60.0 * 120.0);
        host.bar_start_pos_beats = Some(if before == 0 { 3.0 } else { 4.0 });
        host
    }

    #[track_caller]
    fn check(seen: Option<Transport>, beats: f64) -> Transport {
        let seen = seen.unwrap();
        let position = seen.position.unwrap().0;
        assert!((position - beats).abs() < 1e-9, "{position} instead of {beats}");
        seen
    }

    #[test]
    fn a_host_without_a_transport_has_none() {
        let mut seam = Seam::default();
        assert_eq!(seam.cross(&HostTransport::new(RATE), &[0.0; 64], Tempo::default()), None);
    }

    #[test]
    fn nonsense_is_not_known() {
        let mut host = rolling(0.0, 0);
        host.tempo = Some(f64::NAN);
        host.pos_beats = Some(f64::INFINITY);
        host.bar_start_pos_beats = Some(1.0);
        (host.time_sig_numerator, host.time_sig_denominator) = (Some(-3), Some(0));
        let seen = Seam::default().cross(&host, &[0.0; 64], Tempo::default()).unwrap();
        assert_eq!(
            seen,
            Transport {
                playing: true,
                tempo: None,
                position: None,
                bar_start: None,
                meter: Meter::default(),
            }
        );
    }

    #[test]
    fn a_later_stretch_follows_the_first_and_keeps_its_bar_line() {
        let buffer = [0.0; 480];
        let mut seam = Seam::default();
        let tempo = Tempo::default();
        check(seam.cross(&rolling(5.5, 0), &buffer[..240], tempo), 5.5);
        let seen = check(seam.cross(&rolling(5.5, 240), &buffer[240..], tempo), 5.51);
        assert_eq!(seen.bar_start, Some(Beats(3.0)));
        check(seam.cross(&rolling(5.52, 0), &buffer[..480], tempo), 5.52);
    }

    /// A position that the host sends inside its block holds from there on; the framework adds the samples
    /// before it once more.
    #[test]
    fn a_position_told_inside_the_block_counts_from_there() {
        let buffer = [0.0; 480];
        let mut seam = Seam::default();
        let tempo = Tempo::default();
        check(seam.cross(&rolling(5.5, 0), &buffer[..120], tempo), 5.5);
        check(seam.cross(&rolling(64.0, 120), &buffer[120..240], tempo), 64.0);
        check(seam.cross(&rolling(64.0, 240), &buffer[240..], tempo), 64.005);
    }

    #[test]
    fn nothing_moves_while_nothing_rolls() {
        let buffer = [0.0; 480];
        let mut seam = Seam::default();
        for before in [0, 240] {
            let mut host = rolling(2.0, before);
            host.playing = false;
            let stretch = &buffer[before as usize..before as usize + 240];
            let seen = check(seam.cross(&host, stretch, Tempo::default()), 2.0);
            check(Some(later(seen, 100, 48_000.0, Tempo::default())), 2.0);
        }
    }

    #[test]
    fn without_a_tempo_the_settings_count() {
        let buffer = [0.0; 480];
        let mut seam = Seam::default();
        let mut host = rolling(2.0, 0);
        host.tempo = None;
        let tempo = Tempo::new(60.0);
        check(seam.cross(&host, &buffer[..240], tempo), 2.0);
        let seen = check(seam.cross(&host, &buffer[240..], tempo), 2.005);
        check(Some(later(seen, 480, 48_000.0, tempo)), 2.015);
    }
}
