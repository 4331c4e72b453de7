//! An n-gram as the engine plays it: the baseline that gets the same tokens, rules and sampler as a network.

use crate::infer::net::Net;
use crate::model::{LstmConfig, State};
use crate::music::token::{Token, VOCABULARY};
use crate::train::ngram::NGram;

/// An n-gram behind the interface of a network. The state holds the last tokens, newest last, each as its number
/// and 1; 0 is no token.
pub(super) struct NGramNet {
    model: NGram,
    shape: LstmConfig,
}

impl NGramNet {
    pub(super) fn new(model: NGram) -> Self {
        // A state has two numbers a unit: one place for each token that is looked back on, and one that says
        // whether anything was heard.
        let shape =
            LstmConfig { layers: 1, hidden: model.order().div_ceil(2), ..LstmConfig::default() };
        Self { model, shape }
    }
}

impl Net for NGramNet {
    fn state(&self) -> State {
        State::zeros(&self.shape)
    }

    fn step(
        &self,
        token: u16,
        _place: u8,
        _features: &[f32],
        state: &mut State,
        logits: &mut [f32],
    ) {
        let Some((begun, heard)) = state.values_mut().split_first_mut() else { return };
        // What comes first says only that a piece begins.
        if *begun > 0.0 {
            heard.rotate_left(1);
            if let Some(last) = heard.last_mut() {
                *last = f32::from(token) + 1.0;
            }
        }
        *begun = 1.0;
        let look_back = (self.model.order() - 1).min(heard.len());
        let heard = heard[heard.len() - look_back..]
            .iter()
            .map(|x| if *x > 0.0 { Token::from_id(*x as u16 - 1) } else { None });
        self.model.foretell(heard, |order, p: &[f64; VOCABULARY]| {
            if order == self.model.order() {
                logits.iter_mut().zip(p).for_each(|(logit, p)| *logit = p.ln() as f32);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::data::roles::{Piece, Role};
    use crate::data::stream::Reading;
    use crate::music::note::{Note, Voice};
    use crate::music::pitch::Pitch;
    use crate::music::time::Tick;

    #[test]
    fn its_steps_are_the_n_grams() {
        let note = |i: i64| Note {
            onset: Tick(3 * i),
            pitch: Pitch::new(60 + (i * i % 7) as u8),
            voice: Voice::Player,
            velocity: 64,
            duration: 3,
        };
        let piece = Piece { melody: (0..100).map(note).collect(), ..Piece::default() };
        let reading = Arc::new(Reading::new(&piece, Role::Accompany, 0));
        for order in 1..=4 {
            let model = NGram::new(&[Arc::clone(&reading)], order);
            let net = NGramNet::new(model.clone());
            let (mut state, mut logits) = (net.state(), [0.0; VOCABULARY]);
            let mut last = Token::START;
            for at in 0..20_usize {
                net.step(last.id(), 0, &[], &mut state, &mut logits);
                let heard =
                    (1..order).rev().map(|back| Some(reading.tokens[at.checked_sub(back)?]));
                model.foretell(heard, |length, p| {
                    if length == order {
                        let off = |(l, p): (&f32, &f64)| (f64::from(l.exp()) - p).abs();
                        assert!(logits.iter().zip(p).map(off).all(|d| d < 1e-6), "{order} {at}");
                    }
                });
                last = reading.tokens[at];
            }
        }
    }
}
