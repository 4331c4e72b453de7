//! A batch cut into shards of lanes, each carried by one thread from the tokens to the gradients.

use crate::data::stream::empty_window;
use crate::model::network::{Prepared, Training, Workspace};
use crate::model::window::{LaneStates, Window};
use crate::model::{LstmConfig, ModelError, Parameters};

/// Lanes that one thread carries through a window. It decides the order of sums, so it is one for all
/// machines; more threads than shards have nothing to do.
pub(crate) const SHARD_LANES: usize = 16;

/// What one thread works on.
#[derive(Debug)]
pub(crate) struct Shard {
    pub(crate) window: Window,
    pub(crate) states: LaneStates,
    workspace: Workspace,
    /// After [`backward`], the first shard's are those of the whole batch.
    pub(crate) gradients: Parameters,
}

/// How a batch is worked on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Work {
    /// Decides what is silenced, together with the step.
    pub(crate) seed: u64,
    /// Steps done before.
    pub(crate) step: u64,
    /// What a nat counts.
    pub(crate) scale: f32,
    /// Threads that compute; they change no bit of the result.
    pub(crate) threads: usize,
}

/// The shards of a batch of `lanes` lanes with windows of `steps` steps.
pub(crate) fn cut(model: LstmConfig, steps: usize, lanes: usize) -> Result<Vec<Shard>, ModelError> {
    let firsts = (0..lanes).step_by(SHARD_LANES);
    firsts
        .map(|first| {
            let lanes = SHARD_LANES.min(lanes - first);
            Ok(Shard {
                window: empty_window(steps, lanes, model.features),
                states: LaneStates::zeros(&model, lanes),
                workspace: Workspace::default(),
                gradients: Parameters::zeros(model)?,
            })
        })
        .collect()
}

/// Every shard forwards and back, shared out over the threads. Gives the nats of the batch, and leaves its
/// gradients in the first shard.
pub(crate) fn backward(
    shards: &mut [Shard],
    parameters: &Parameters,
    work: Work,
) -> Result<f64, ModelError> {
    let prepared = Prepared::new(parameters);
    let Work { seed, step, scale, threads } = work;
    let count = shards.len() as u64;
    let nats = share_out(shards, threads, |i, shard| {
        shard.gradients.values_mut().fill(0.0);
        let stream = step * count + i as u64;
        let training = Training { seed, stream, scale, gradients: &mut shard.gradients };
        let Shard { window, states, workspace, .. } = shard;
        workspace.run(&prepared, window, states, Some(training))
    })?;
    if let Some((sum, rest)) = shards.split_first_mut() {
        for shard in rest {
            let values = sum.gradients.values_mut().iter_mut();
            values.zip(shard.gradients.values()).for_each(|(a, b)| *a += b);
        }
    }
    Ok(nats.iter().sum())
}

/// Does `work` on every item, shared out over the threads; the results are in the order of the items.
pub(crate) fn share_out<T: Send, R: Send>(
    items: &mut [T],
    threads: usize,
    work: impl Fn(usize, &mut T) -> Result<R, ModelError> + Sync,
) -> Result<Vec<R>, ModelError> {
    let threads = threads.clamp(1, items.len().max(1));
    let mut queues: Vec<Vec<(usize, &mut T)>> = (0..threads).map(|_| Vec::new()).collect();
    for (i, item) in items.iter_mut().enumerate() {
        queues[i % threads].push((i, item));
    }
    let work = |queue: Vec<(usize, &mut T)>| {
        let results = queue.into_iter().map(|(i, item)| Ok((i, work(i, item)?)));
        results.collect::<Result<Vec<_>, ModelError>>()
    };
    let mut results = std::thread::scope(|scope| {
        let work = &work;
        let mut queues = queues.into_iter();
        let own = queues.next().unwrap_or_default();
        let others: Vec<_> = queues.map(|queue| scope.spawn(move || work(queue))).collect();
        let mut results = work(own)?;
        for other in others {
            match other.join() {
                Ok(result) => results.extend(result?),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        Ok::<_, ModelError>(results)
    })?;
    results.sort_by_key(|(i, _)| *i);
    Ok(results.into_iter().map(|(_, result)| result).collect())
}
