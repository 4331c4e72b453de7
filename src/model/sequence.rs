//! One LSTM layer over a whole window: forwards, and back-propagation through time by hand.
//!
//! Everything here runs on one thread over the lanes it is given: the batch is split over threads for the
//! whole window, so that no step waits for another thread. The gates are computed in place in one buffer
//! that first holds the input projections, then the gates, then their gradients; the weights' gradients are
//! one product over the whole window each.

use crate::model::kernel::{add, gates_backward, gates_forward};
use crate::model::product::{Matrix, multiply};

/// Sizes of a layer's window.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    /// Time steps.
    pub(crate) steps: usize,
    /// Sequences side by side.
    pub(crate) lanes: usize,
    /// Inputs of the layer.
    pub(crate) inputs: usize,
    /// Units of the layer.
    pub(crate) hidden: usize,
}

/// What a layer remembers of a window to go back through it; also its output.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    /// (steps, lanes, 4 hidden): the gates after their squashing; after [`backward`] their gradients.
    gates: Vec<f32>,
    /// (steps + 1, lanes, hidden): outputs, the first those before the window.
    h: Vec<f32>,
    /// (steps + 1, lanes, hidden): cells, likewise.
    c: Vec<f32>,
    /// (lanes, hidden): gradients that flow back in time.
    dh: Vec<f32>,
    dc: Vec<f32>,
    /// (4 hidden): the gradient of either bias.
    bias: Vec<f32>,
}

impl Trace {
    /// The outputs of the window: (steps, lanes, hidden).
    pub(crate) fn outputs(&self, shape: Shape) -> &[f32] {
        &self.h[shape.lanes * shape.hidden..]
    }

    /// The gradients of the pre-activations after [`backward`]: (steps, lanes, 4 hidden).
    pub(crate) fn gate_gradients(&self) -> &[f32] {
        &self.gates
    }
}

/// Weights of one layer as the window reads them.
#[derive(Clone, Copy)]
pub(crate) struct LayerWeights<'a> {
    /// (4 hidden, inputs).
    pub(crate) weight_ih: &'a [f32],
    /// (4 hidden, hidden).
    pub(crate) weight_hh: &'a [f32],
    /// (hidden, 4 hidden): the same, mirrored.
    pub(crate) weight_hh_mirrored: &'a [f32],
    /// (4 hidden): the sum of both biases.
    pub(crate) bias: &'a [f32],
}

/// Runs the layer over `x` (steps, lanes, inputs); `h` and `c` (lanes, hidden) come in as the state before
/// the window and leave as that after it.
pub(crate) fn forward(
    shape: Shape,
    weights: LayerWeights<'_>,
    x: &[f32],
    h: &mut [f32],
    c: &mut [f32],
    trace: &mut Trace,
) {
    let Shape { steps, lanes, inputs, hidden } = shape;
    let (row, gate_row) = (lanes * hidden, lanes * 4 * hidden);
    trace.gates.resize(steps * gate_row, 0.0);
    trace.h.resize((steps + 1) * row, 0.0);
    trace.c.resize((steps + 1) * row, 0.0);
    for gates in trace.gates.chunks_exact_mut(4 * hidden) {
        gates.copy_from_slice(weights.bias);
    }
    multiply(
        &mut trace.gates,
        Matrix::new(x, steps * lanes, inputs),
        Matrix::new(weights.weight_ih, 4 * hidden, inputs).transposed(),
        true,
    );
    trace.h[..row].copy_from_slice(h);
    trace.c[..row].copy_from_slice(c);
    let recurrent = Matrix::new(weights.weight_hh_mirrored, hidden, 4 * hidden);
    for (t, gates) in trace.gates.chunks_exact_mut(gate_row).enumerate() {
        let (h_before, h) = trace.h[t * row..][..2 * row].split_at_mut(row);
        let (c_before, c) = trace.c[t * row..][..2 * row].split_at_mut(row);
        multiply(gates, Matrix::new(h_before, lanes, hidden), recurrent, true);
        for (lane, gates) in gates.chunks_exact_mut(4 * hidden).enumerate() {
            let unit = lane * hidden..(lane + 1) * hidden;
            gates_forward(gates, &c_before[unit.clone()], &mut c[unit.clone()], &mut h[unit]);
        }
    }
    h.copy_from_slice(&trace.h[steps * row..]);
    c.copy_from_slice(&trace.c[steps * row..]);
}

/// Gradients of one layer's weights, which are added to.
pub(crate) struct LayerGradients<'a> {
    /// (4 hidden, inputs).
    pub(crate) weight_ih: &'a mut [f32],
    /// (4 hidden, hidden).
    pub(crate) weight_hh: &'a mut [f32],
    /// (4 hidden).
    pub(crate) bias_ih: &'a mut [f32],
    /// (4 hidden).
    pub(crate) bias_hh: &'a mut [f32],
}

/// Goes back through the window that `trace` remembers. `dy` (steps, lanes, hidden) is the gradient of the
/// outputs. The state before the window gets no gradient: the chain is cut there.
pub(crate) fn backward(
    shape: Shape,
    weights: LayerWeights<'_>,
    x: &[f32],
    dy: &[f32],
    trace: &mut Trace,
    gradients: &mut LayerGradients<'_>,
) {
    let Shape { steps, lanes, inputs, hidden } = shape;
    let (row, gate_row) = (lanes * hidden, lanes * 4 * hidden);
    let Trace { gates, h, c, dh, dc, bias } = trace;
    dh.clear();
    dh.resize(row, 0.0);
    dc.clear();
    dc.resize(row, 0.0);
    let recurrent = Matrix::new(weights.weight_hh, 4 * hidden, hidden);
    for t in (0..steps).rev() {
        let gates = &mut gates[t * gate_row..][..gate_row];
        add(dh, &dy[t * row..][..row]);
        let (c_before, c) = c[t * row..][..2 * row].split_at(row);
        for (lane, gates) in gates.chunks_exact_mut(4 * hidden).enumerate() {
            let unit = lane * hidden..(lane + 1) * hidden;
            gates_backward(
                gates,
                &c_before[unit.clone()],
                &c[unit.clone()],
                &dh[unit.clone()],
                &mut dc[unit],
            );
        }
        if t > 0 {
            multiply(dh, Matrix::new(gates, lanes, 4 * hidden), recurrent, false);
        }
    }
    let gates = Matrix::new(gates, steps * lanes, 4 * hidden).transposed();
    let h_before = Matrix::new(&h[..steps * row], steps * lanes, hidden);
    multiply(gradients.weight_hh, gates, h_before, true);
    multiply(gradients.weight_ih, gates, Matrix::new(x, steps * lanes, inputs), true);
    // Both biases stand in the same place of the same sum.
    bias.clear();
    bias.resize(4 * hidden, 0.0);
    for row in trace.gates.chunks_exact(4 * hidden) {
        add(bias, row);
    }
    add(gradients.bias_ih, bias);
    add(gradients.bias_hh, bias);
}

/// Takes the gate gradients back to the layer's input: `dx` (steps, lanes, inputs) is overwritten.
pub(crate) fn input_gradient(
    shape: Shape,
    weights: LayerWeights<'_>,
    trace: &Trace,
    dx: &mut [f32],
) {
    let Shape { steps, lanes, inputs, hidden } = shape;
    multiply(
        dx,
        Matrix::new(trace.gate_gradients(), steps * lanes, 4 * hidden),
        Matrix::new(weights.weight_ih, 4 * hidden, inputs),
        false,
    );
}
