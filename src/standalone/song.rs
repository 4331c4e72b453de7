//! The way through a song: which beat falls on which sample, under a map of tempos and time signatures.

use crate::live::block::Transport;
use crate::music::time::{Beats, Meter, SampleRate, Tempo};

/// Tempos and time signatures from the first beat on.
#[derive(Clone, PartialEq, Debug)]
pub struct Song {
    rate: SampleRate,
    tempos: Vec<Stretch>,
    meters: Vec<(f64, Meter)>,
}

/// A stretch of constant tempo.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Stretch {
    /// Where it begins, in samples that need not be whole.
    sample: f64,
    beats: f64,
    tempo: Tempo,
}

impl Song {
    /// A song in one tempo and one time signature.
    pub fn steady(rate: SampleRate, tempo: Tempo, meter: Meter) -> Self {
        Self::new(rate, &[(Beats(0.0), tempo)], &[(Beats(0.0), meter)])
    }

    /// A song that changes tempo and time signature at beats, given in rising order. Before the first tempo
    /// it goes at 120, before the first time signature in 4/4.
    pub fn new(rate: SampleRate, tempos: &[(Beats, Tempo)], meters: &[(Beats, Meter)]) -> Self {
        let mut stretches = vec![Stretch { sample: 0.0, beats: 0.0, tempo: Tempo::default() }];
        for (at, tempo) in tempos {
            let last = stretches[stretches.len() - 1];
            let beats = at.0.max(last.beats);
            let sample =
                last.sample + (beats - last.beats) * last.tempo.seconds_per_beat() * rate.hertz();
            if beats <= last.beats {
                stretches.pop();
            }
            stretches.push(Stretch { sample, beats, tempo: *tempo });
        }
        let mut bars = vec![(0.0, Meter::default())];
        for (at, meter) in meters {
            if at.0 <= bars[bars.len() - 1].0 {
                bars.pop();
            }
            bars.push((at.0.max(0.0), *meter));
        }
        Self { rate, tempos: stretches, meters: bars }
    }

    /// The samples a second that the song counts in.
    pub const fn rate(&self) -> SampleRate {
        self.rate
    }

    /// The sample nearest to a beat.
    pub fn sample(&self, beats: Beats) -> u64 {
        let index = self.tempos.partition_point(|s| s.beats <= beats.0).max(1) - 1;
        let s = self.tempos[index];
        (s.sample + (beats.0 - s.beats) * s.tempo.seconds_per_beat() * self.rate.hertz())
            .round()
            .max(0.0) as u64
    }

    /// The beat at a sample.
    pub fn beats(&self, sample: u64) -> Beats {
        let s = self.stretch(sample);
        Beats(s.beats + (sample as f64 - s.sample) / self.rate.hertz() / s.tempo.seconds_per_beat())
    }

    /// What a host that plays this song says at a sample.
    pub fn transport(&self, sample: u64) -> Transport {
        let position = self.beats(sample);
        let (origin, meter) = self.bars(position);
        Transport {
            playing: true,
            tempo: Some(self.stretch(sample).tempo),
            position: Some(position),
            bar_start: Some(Beats(origin)),
            meter,
        }
    }

    /// Where a stretch of time signatures begins, in beats, and its time signature.
    pub fn bars(&self, at: Beats) -> (f64, Meter) {
        self.meters[self.meters.partition_point(|m| m.0 <= at.0 + 1e-6).max(1) - 1]
    }

    /// The number of the bar that a beat lies in, from 1.
    pub fn bar_number(&self, at: Beats) -> u32 {
        let mut bars = 0.0;
        for (i, (from, meter)) in self.meters.iter().enumerate() {
            let until = self.meters.get(i + 1).map_or(at.0, |next| next.0.min(at.0));
            if until > *from {
                bars += ((until - from) / beats_in(*meter)).floor();
            }
        }
        bars as u32 + 1
    }

    /// The first sample after this one at which the tempo changes.
    pub fn next_change(&self, sample: u64) -> Option<u64> {
        let after = self.tempos.partition_point(|s| s.sample.ceil() as u64 <= sample);
        self.tempos.get(after).map(|s| s.sample.ceil() as u64)
    }

    fn stretch(&self, sample: u64) -> Stretch {
        self.tempos[self.tempos.partition_point(|s| s.sample.ceil() as u64 <= sample).max(1) - 1]
    }
}

/// Quarter notes in a bar.
pub fn beats_in(meter: Meter) -> f64 {
    meter.bar_ticks() as f64 / crate::music::time::TICKS_PER_BEAT as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn song() -> Song {
        let tempos = [
            (Beats(0.0), Tempo::new(60.0)),
            (Beats(4.0), Tempo::new(137.0)),
            (Beats(9.5), Tempo::new(90.0)),
        ];
        let waltz = Meter { numerator: 3, denominator: 4 };
        Song::new(SampleRate::new(48_000.0), &tempos, &[(Beats(8.0), waltz)])
    }

    #[test]
    fn samples_and_beats_are_inverse() {
        let song = song();
        for i in 0..400 {
            let beats = f64::from(i) * 0.05;
            let back = song.beats(song.sample(Beats(beats))).0;
            assert!((back - beats).abs() < 1e-4, "{beats} {back}");
        }
        assert_eq!(song.sample(Beats(4.0)), 192_000);
        assert_eq!(song.next_change(0), Some(192_000));
        let last = song.next_change(192_000).unwrap();
        assert!(last - song.sample(Beats(9.5)) <= 1, "the first sample that is not before it");
        assert_eq!(song.next_change(last), None);
    }

    #[test]
    fn bars_are_counted_through_a_change_of_metre() {
        let song = song();
        let bar = |b| song.bar_number(Beats(b));
        assert_eq!(
            [bar(0.0), bar(3.9), bar(4.0), bar(8.0), bar(10.9), bar(11.0)],
            [1, 1, 2, 3, 3, 4]
        );
    }
}
