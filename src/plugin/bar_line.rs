//! Where the present bar began, also by hosts that tell it wrongly.
//!
//! Ardour's VST3 host tells four times the number of the bar, counted from one and in any metre; others tell the
//! number itself, or nothing but zero. What they tell cannot be the present bar's beginning for long, and is then no
//! longer believed. That it changes still says that a bar line has been passed.

use crate::music::time::{Meter, TICKS_PER_BEAT};

/// How far positions may lie beside the truth, in beats: Ardour rounds them to 1/1920.
const ROUNDING: f64 = 0.01;

/// The present bar of one host.
#[derive(Debug, Default)]
pub(crate) struct BarLine {
    /// The host has told what cannot be.
    is_doubted: bool,
    last: Option<Seen>,
}

/// What was seen at the last block, in beats.
#[derive(Clone, Copy, Debug)]
struct Seen {
    told: f64,
    position: f64,
    begin: f64,
}

impl BarLine {
    /// Where the bar at `position` began, if the host tells `told`. All in beats.
    ///
    /// Audio thread. No allocation, lock or system call.
    pub(crate) fn begin(&mut self, told: f64, position: f64, meter: Meter) -> f64 {
        let length = meter.bar_ticks() as f64 / TICKS_PER_BEAT as f64;
        let is_bar = |begin: f64| (begin - ROUNDING..begin + length + ROUNDING).contains(&position);
        self.is_doubted |= !is_bar(told);
        let last_line = |unit: f64| ((position + ROUNDING) / unit).floor() * unit;
        let begin = match self.last {
            _ if !self.is_doubted => told,
            Some(last) if (last.told - told).abs() < ROUNDING && is_bar(last.begin) => last.begin,
            // A bar line was passed in the last block: it lies on a beat of the metre.
            Some(last)
                if (last.told - told).abs() >= ROUNDING
                    && (last.position..last.position + 1.0).contains(&position) =>
            {
                last_line(4.0 / f64::from(meter.denominator))
            }
            // Somewhere in the song: as if it had this metre from its beginning.
            _ => last_line(length),
        };
        self.last = Some(Seen { told, position, begin });
        begin
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WALTZ: Meter = Meter { numerator: 3, denominator: 4 };

    /// Where the bars begin in blocks of a hundredth of a beat.
    fn begins(
        line: &mut BarLine,
        from: f64,
        beats: f64,
        meter: Meter,
        told: impl Fn(f64) -> f64,
    ) -> Vec<f64> {
        let blocks = 0..(beats * 100.0) as i32;
        let positions = blocks.map(|block| from + f64::from(block) / 100.0 + 0.003);
        let mut begins: Vec<f64> = positions.map(|at| line.begin(told(at), at, meter)).collect();
        begins.dedup();
        begins
    }

    /// The bars by Ardour's rule, of a song with one metre.
    fn ardour(length: f64) -> impl Fn(f64) -> f64 {
        move |at| ((at / length).floor() + 1.0) * 4.0
    }

    #[test]
    fn a_host_that_is_right_is_believed() {
        // An upbeat of one beat.
        let told = |at: f64| ((at - 1.0) / 3.0).floor() * 3.0 + 1.0;
        let seen = begins(&mut BarLine::default(), 0.0, 8.0, WALTZ, told);
        assert_eq!(seen, [-2.0, 1.0, 4.0, 7.0]);
    }

    #[test]
    fn bars_by_their_numbers_begin_where_they_do() {
        let seen = begins(&mut BarLine::default(), 0.0, 10.0, WALTZ, ardour(3.0));
        assert_eq!(seen, [0.0, 3.0, 6.0, 9.0]);
        let four = Meter::default();
        let seen = begins(&mut BarLine::default(), 6.0, 8.0, four, ardour(4.0));
        assert_eq!(seen, [4.0, 8.0, 12.0]);
        let five = Meter { numerator: 5, denominator: 4 };
        let seen = begins(&mut BarLine::default(), 0.0, 40.0, five, ardour(5.0));
        assert_eq!(seen, [0.0, 5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 35.0]);
        let seen = begins(&mut BarLine::default(), 0.0, 13.0, four, |_| 0.0);
        assert_eq!(seen, [0.0, 4.0, 8.0, 12.0]);
    }

    /// One bar of 4/4, then waltz: from the first bar line that is passed on, the bars are found.
    #[test]
    fn a_change_of_metre_is_learnt() {
        let told = |at: f64| {
            let bar = if at < 4.0 { 1.0 } else { ((at - 4.0) / 3.0).floor() + 2.0 };
            bar * 4.0
        };
        let mut line = BarLine::default();
        assert_eq!(begins(&mut line, 0.0, 4.0, Meter::default(), told), [0.0]);
        assert_eq!(begins(&mut line, 4.0, 8.0, WALTZ, told), [4.0, 7.0, 10.0]);
    }
}
