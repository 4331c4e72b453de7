//! Keeps the promise of a density: where fewer notes came than were wanted, it asks for more, and the other way round.
//!
//! A network that is asked for twice the notes gives more, but seldom just twice as many: it also goes on as it began. What it
//! is asked for is therefore led by what came of it, bar by bar, as a governor leads an engine (proportional and integral).

/// The share of a bar in what has been played lately: about two bars.
const LATELY: f32 = 0.5;
/// What a logarithm of too few notes adds to the logarithm of what is asked for: at once, and with each bar that it lasts.
const AT_ONCE: f32 = 0.8;
const BY_BAR: f32 = 0.3;
/// The most that it adds or takes: a factor of four and a half.
const MOST: f32 = 1.5;
/// Logits for each unit of the same logarithm.
const LOGITS: f32 = 0.5;
/// Notes per beat below which a part counts as silent.
const SILENT: f32 = 0.1;

/// The governor of a take.
#[derive(Clone, Debug, Default)]
pub(crate) struct Governor {
    /// Notes per beat of the last bars over those that were wanted; none before the first bar.
    lately: Option<f32>,
    /// What lasting errors have added up to.
    sum: f32,
}

impl Governor {
    /// A bar in which the machine might play has ended: notes per beat that came and that were wanted.
    pub(crate) fn end_bar(&mut self, came: f32, wanted: f32) {
        let share = came.max(SILENT) / wanted.max(SILENT);
        let lately = self.lately.unwrap_or(1.0);
        self.lately = Some(lately + LATELY * (share - lately));
        self.sum = (self.sum - BY_BAR * self.error()).clamp(-MOST, MOST);
    }

    /// The factor on what the network is asked for.
    pub(crate) fn factor(&self) -> f32 {
        (self.sum - AT_ONCE * self.error()).clamp(-MOST, MOST).exp()
    }

    /// What is added to the logits of the machine's keys besides: what the network is asked for works from bar to bar, this at
    /// once.
    pub(crate) fn logits(&self) -> f32 {
        LOGITS * self.factor().ln()
    }

    /// The logarithm of what came over what was wanted.
    fn error(&self) -> f32 {
        self.lately.map_or(0.0, |share| share.max(0.05).ln())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Notes per beat of the last bars from an engine that gives less than it is asked for: `gain` of the logarithm.
    fn settled(wanted: f32, usual: f32, gain: f32) -> f32 {
        let mut governor = Governor::default();
        let mut came = usual;
        for _ in 0..64 {
            governor.end_bar(came, wanted);
            came = usual * (wanted * governor.factor() / usual).powf(gain);
        }
        came
    }

    #[test]
    fn what_is_wanted_comes_of_an_engine_that_answers_by_halves() {
        for gain in [0.4, 0.7, 1.0] {
            for wanted in [1.5, 3.0, 5.0] {
                let came = settled(wanted, 3.0, gain);
                assert!((came / wanted - 1.0).abs() < 0.05, "{gain} {wanted}: {came}");
            }
        }
    }

    #[test]
    fn an_engine_that_does_not_answer_is_asked_within_bounds() {
        let mut governor = Governor::default();
        assert!((governor.factor() - 1.0).abs() < f32::EPSILON);
        for _ in 0..100 {
            governor.end_bar(0.0, 3.0);
        }
        assert!((governor.factor() - MOST.exp()).abs() < 1e-3);
        governor.end_bar(f32::MAX, 3.0);
        assert!(governor.factor().is_finite());
        for _ in 0..100 {
            governor.end_bar(3.0, 3.0);
        }
        assert!((0.2..5.0).contains(&governor.factor()));
    }
}
