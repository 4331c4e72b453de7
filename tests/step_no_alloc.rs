//! The model's step takes no memory. A binary of its own: the allocator is global.

use nice_assert_no_alloc::{AllocDisabler, assert_no_alloc};
use sideman::model::{Lstm, LstmConfig, Parameters, Precision, State, StepInput};

#[global_allocator]
static ALLOCATOR: AllocDisabler = AllocDisabler;

/// Aborts the process on the first allocation.
#[test]
fn a_step_takes_no_memory() {
    for hidden in [24, 256] {
        for precision in [Precision::F32, Precision::F16] {
            let config = LstmConfig { hidden, ..LstmConfig::default() };
            let lstm = Lstm::packed(&Parameters::random(config, 1).unwrap(), precision);
            let (mut state, mut snapshot) = (State::zeros(&config), State::zeros(&config));
            let mut logits = vec![0.0; config.vocabulary];
            let features = vec![0.5; config.features];
            assert_no_alloc(|| {
                for token in 0..100 {
                    let input = StepInput { token, place: 3, features: &features };
                    lstm.step(input, &mut state, &mut logits).unwrap();
                    snapshot.copy_from(&state);
                }
            });
            assert!(logits.iter().any(|x| *x != 0.0));
        }
    }
}
