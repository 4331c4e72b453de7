//! One step of the network for playing: a token in, the logits of the next one out. Allocates nothing.

use std::array;

use arrayvec::ArrayVec;

use crate::model::panels::{LANES, Line, Panels, Precision, Simd, UNITS};
use crate::model::{LstmConfig, ModelError, Parameters};

/// The widest layer, and the most features, that [`LstmConfig::validate`] lets through.
const WIDEST: usize = 4_096;

/// The most numbers in the tables of folded inputs: 64 MiB. Larger ones would be slow to make and not be cached.
const MAX_TABLE: usize = 16 << 20;

/// A model ready to play, its weights packed for the step.
#[derive(Clone, Debug)]
pub struct Lstm {
    config: LstmConfig,
    simd: Simd,
    precision: Precision,
    inputs: Inputs,
    layers: Vec<Layer>,
    head: Panels,
    /// One line a panel.
    head_bias: Vec<Line>,
}

/// How the first layer hears token, place and context.
#[derive(Clone, Debug)]
enum Inputs {
    /// What each of them adds to the gates was multiplied out beforehand; the layer's own inputs are the features.
    Folded {
        /// A line for each token and panel.
        tokens: Vec<Line>,
        /// A line for each place and panel.
        places: Vec<Line>,
    },
    /// They are summed into the layer's input at each step: for alphabets whose tables would be too large.
    Summed { tokens: Vec<f32>, places: Vec<f32>, context: Panels },
}

#[derive(Clone, Debug)]
struct Layer {
    /// One line a panel.
    bias: Vec<Line>,
    /// The layer's inputs, then its last outputs.
    weights: Panels,
    inputs: usize,
}

/// What a step is told.
#[derive(Clone, Copy, Debug)]
pub struct StepInput<'a> {
    /// The token that has just happened, below [`LstmConfig::vocabulary`].
    pub token: u16,
    /// The place in the bar after it, below [`LstmConfig::places`].
    pub place: u8,
    /// The musical context after it: [`LstmConfig::features`] numbers.
    pub features: &'a [f32],
}

/// What the network remembers: for each layer first h, then c, each [`LstmConfig::hidden`] numbers.
#[derive(Clone, PartialEq, Debug)]
pub struct State(Vec<f32>);

impl State {
    /// Nothing remembered.
    pub fn zeros(config: &LstmConfig) -> Self {
        Self(vec![0.0; config.state_len()])
    }

    /// A state that was saved with [`Self::values`].
    ///
    /// # Errors
    /// [`ModelError::Input`] when the length is not the config's or a number is not finite.
    pub fn from_values(config: &LstmConfig, values: &[f32]) -> Result<Self, ModelError> {
        let good = values.iter().filter(|x| x.is_finite()).count();
        if values.len() != config.state_len() || good != values.len() {
            let want = config.state_len();
            return Err(ModelError::Input {
                what: "the saved state (finite numbers)",
                got: good,
                want,
            });
        }
        Ok(Self(values.to_vec()))
    }

    /// The numbers.
    pub fn values(&self) -> &[f32] {
        &self.0
    }

    /// The numbers, to change.
    pub(crate) fn values_mut(&mut self) -> &mut [f32] {
        &mut self.0
    }

    /// Forgets everything, in place.
    pub fn reset(&mut self) {
        self.0.fill(0.0);
    }

    /// Becomes a copy of `other` without allocating, if both belong to models of one shape; else clones.
    pub fn copy_from(&mut self, other: &Self) {
        self.0.clone_from(&other.0);
    }
}

impl Lstm {
    /// Packs weights for playing, in the precision that steps fastest here.
    pub fn new(parameters: &Parameters) -> Self {
        Self::packed(parameters, Precision::best())
    }

    /// Packs weights for playing.
    pub fn packed(parameters: &Parameters, precision: Precision) -> Self {
        Self::packed_for(parameters, precision, Simd::best(), MAX_TABLE)
    }

    fn packed_for(
        parameters: &Parameters,
        precision: Precision,
        simd: Simd,
        max_table: usize,
    ) -> Self {
        let config = *parameters.config();
        let (hidden, width) = (config.hidden, config.embedding);
        let view = parameters.view();
        let panels = hidden.div_ceil(UNITS);
        let rows_of = |weight: &[f32], columns: usize, panel: usize, input: usize, row: usize| {
            gate_row(hidden, panel, row).map_or(0.0, |row| weight[row * columns + input])
        };
        let first = &view.layers[0];
        let table = (config.vocabulary + config.places) * panels * LANES;
        // Multiplies vectors into the gates of the first layer; in full precision, whatever is stored.
        let fold = |vectors: &[f32]| -> Vec<Line> {
            let weight = |panel, input, row| rows_of(first.weight_ih, width, panel, input, row);
            let matrix = Panels::new(simd, Precision::F32, panels, width, weight);
            let line = |vector, panel| {
                let mut sums = Line::ZERO;
                matrix.add(panel, 0, vector, &mut sums);
                sums
            };
            vectors
                .chunks_exact(width)
                .flat_map(|vector| (0..panels).map(move |panel| (vector, panel)))
                .map(|(vector, panel)| line(vector, panel))
                .collect()
        };
        let is_folded = table <= max_table;
        let folded_context = is_folded.then(|| {
            let columns: Vec<f32> = (0..config.features)
                .flat_map(|k| (0..width).map(move |e| (k, e)))
                .map(|(k, e)| view.context[e * config.features + k])
                .collect();
            fold(&columns)
        });
        let layers = view.layers.iter().enumerate().map(|(layer, t)| {
            let columns = config.layer_inputs(layer);
            let context = folded_context.as_ref().filter(|_| layer == 0);
            let inputs = if context.is_some() { config.features } else { columns };
            let weight = |panel: usize, input: usize, row: usize| {
                if input >= inputs {
                    return rows_of(t.weight_hh, hidden, panel, input - inputs, row);
                }
                context.map_or_else(
                    || rows_of(t.weight_ih, columns, panel, input, row),
                    |lines| lines[input * panels + panel].0[row],
                )
            };
            let bias = |panel| {
                let of = |row| {
                    gate_row(hidden, panel, row).map_or(0.0, |row| t.bias_ih[row] + t.bias_hh[row])
                };
                Line(array::from_fn(of))
            };
            Layer {
                bias: (0..panels).map(bias).collect(),
                weights: Panels::new(simd, precision, panels, inputs + hidden, weight),
                inputs,
            }
        });
        let layers = layers.collect();
        let plain = |weight: &[f32], rows: usize, columns: usize| {
            let weight = |panel: usize, input: usize, row: usize| {
                let row = panel * LANES + row;
                if row < rows { weight[row * columns + input] } else { 0.0 }
            };
            Panels::new(simd, precision, rows.div_ceil(LANES), columns, weight)
        };
        let head_bias = view.head_bias.chunks(LANES).map(|bias| {
            let mut line = Line::ZERO;
            line.0[..bias.len()].copy_from_slice(bias);
            line
        });
        let inputs = if is_folded {
            Inputs::Folded { tokens: fold(view.embedding), places: fold(view.place) }
        } else {
            Inputs::Summed {
                tokens: view.embedding.to_vec(),
                places: view.place.to_vec(),
                context: plain(view.context, width, config.features),
            }
        };
        Self {
            simd,
            precision,
            inputs,
            layers,
            head: plain(view.head, config.vocabulary, hidden),
            head_bias: head_bias.collect(),
            config,
        }
    }

    /// The shape.
    pub const fn config(&self) -> &LstmConfig {
        &self.config
    }

    /// How the weights lie in memory.
    pub const fn precision(&self) -> Precision {
        self.precision
    }

    /// Hears a token: moves `state` on and writes the logits of the next token ([`LstmConfig::vocabulary`]
    /// numbers). Allocates nothing and uses the calling thread only.
    ///
    /// # Errors
    /// [`ModelError::Input`] when something does not fit the config; then nothing has changed.
    pub fn step(
        &self,
        input: StepInput<'_>,
        state: &mut State,
        logits: &mut [f32],
    ) -> Result<(), ModelError> {
        let config = &self.config;
        check(config, &input, state, logits)?;
        let mut out = ArrayVec::<f32, WIDEST>::new();
        let (mut below, mut rest): (&[f32], _) = (&[], state.0.as_mut_slice());
        for (layer, weights) in self.layers.iter().enumerate() {
            let (memory, above) = rest.split_at_mut(2 * config.hidden);
            let (h, c) = memory.split_at_mut(config.hidden);
            out.clear();
            if layer == 0 {
                self.first_layer(weights, &input, h, c, &mut out);
            } else {
                weights.step(
                    self.simd,
                    |panel, sums| weights.weights.add(panel, 0, below, sums),
                    h,
                    c,
                    &mut out,
                );
            }
            h.copy_from_slice(&out);
            (below, rest) = (h, above);
        }
        for (panel, (logits, bias)) in logits.chunks_mut(LANES).zip(&self.head_bias).enumerate() {
            let mut sums = *bias;
            self.head.add(panel, 0, below, &mut sums);
            logits.copy_from_slice(&sums.0[..logits.len()]);
        }
        Ok(())
    }

    fn first_layer(
        &self,
        layer: &Layer,
        input: &StepInput<'_>,
        h: &[f32],
        c: &mut [f32],
        out: &mut ArrayVec<f32, WIDEST>,
    ) {
        // Most of what the ear holds is silence.
        let active: ArrayVec<(u16, f32), WIDEST> =
            (0..).zip(input.features).filter(|(_, x)| **x != 0.0).map(|(k, x)| (k, *x)).collect();
        let (token, place) = (usize::from(input.token), usize::from(input.place));
        match &self.inputs {
            Inputs::Folded { tokens, places } => {
                let panels = layer.bias.len();
                let (token, place) =
                    (&tokens[token * panels..][..panels], &places[place * panels..][..panels]);
                let add = |panel: usize, sums: &mut Line| {
                    for ((sum, token), place) in
                        sums.0.iter_mut().zip(&token[panel].0).zip(&place[panel].0)
                    {
                        *sum += token + place;
                    }
                    layer.weights.add_sparse(panel, &active, sums);
                };
                layer.step(self.simd, add, h, c, out);
            }
            Inputs::Summed { tokens, places, context } => {
                let width = self.config.embedding;
                let (token, place) =
                    (&tokens[token * width..][..width], &places[place * width..][..width]);
                let mut x: ArrayVec<f32, WIDEST> =
                    token.iter().zip(place).map(|(a, b)| a + b).collect();
                for (panel, x) in x.chunks_mut(LANES).enumerate() {
                    let mut sums = Line::ZERO;
                    context.add_sparse(panel, &active, &mut sums);
                    x.iter_mut().zip(sums.0).for_each(|(x, sum)| *x += sum);
                }
                layer.step(
                    self.simd,
                    |panel, sums| layer.weights.add(panel, 0, &x, sums),
                    h,
                    c,
                    out,
                );
            }
        }
    }
}

impl Layer {
    /// One step: `add_inputs` adds a panel's share of the layer's inputs, `h` is the last output, `c` moves on in
    /// place, and the new output is appended to `out`.
    fn step(
        &self,
        simd: Simd,
        add_inputs: impl Fn(usize, &mut Line),
        h: &[f32],
        c: &mut [f32],
        out: &mut ArrayVec<f32, WIDEST>,
    ) {
        let mut fresh = [0.0; UNITS];
        for (panel, (c, bias)) in c.chunks_mut(UNITS).zip(&self.bias).enumerate() {
            let mut sums = *bias;
            add_inputs(panel, &mut sums);
            self.weights.add(panel, self.inputs, h, &mut sums);
            simd.gates(&sums, c, &mut fresh);
            out.extend(fresh.into_iter().take(c.len()));
        }
    }
}

/// The row of a (4 hidden) tensor that row `row` of a panel holds; `None` beyond the last unit.
fn gate_row(hidden: usize, panel: usize, row: usize) -> Option<usize> {
    let unit = panel * UNITS + row % UNITS;
    (unit < hidden).then_some(row / UNITS * hidden + unit)
}

/// Whether what a step is given fits the model.
pub(crate) fn check(
    config: &LstmConfig,
    input: &StepInput<'_>,
    state: &State,
    logits: &[f32],
) -> Result<(), ModelError> {
    let (token, place) = (usize::from(input.token), usize::from(input.place));
    let wrong = |what, got, want| Err(ModelError::Input { what, got, want });
    if token >= config.vocabulary {
        return wrong("the token", token, config.vocabulary);
    }
    if place >= config.places {
        return wrong("the place", place, config.places);
    }
    if input.features.len() != config.features {
        return wrong("the features", input.features.len(), config.features);
    }
    if state.0.len() != config.state_len() {
        return wrong("the state", state.0.len(), config.state_len());
    }
    if logits.len() != config.vocabulary {
        return wrong("the logits", logits.len(), config.vocabulary);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;
    use crate::model::CandleLstm;

    /// The largest difference of any logit from candle's, over 200 steps with random weights.
    fn furthest_from_candle(config: LstmConfig, make: impl Fn(&Parameters) -> Lstm) -> f32 {
        let parameters = Parameters::random(config, 11).unwrap();
        let (lstm, candle) =
            (make(&parameters), CandleLstm::new(&parameters, &Device::Cpu).unwrap());
        let mut states = [State::zeros(&config), State::zeros(&config)];
        let mut logits = [vec![0.0; config.vocabulary], vec![0.0; config.vocabulary]];
        let mut features = vec![0.0; config.features];
        let mut worst = 0.0_f32;
        for t in 0..200 {
            for (k, feature) in features.iter_mut().enumerate() {
                *feature = if (t + k) % 3 == 0 { ((t * 5 + k) % 17) as f32 / 17.0 } else { 0.0 };
            }
            let token = (t * 31 % config.vocabulary) as u16;
            let place = (t * 7 % config.places) as u8;
            let input = StepInput { token, place, features: &features };
            lstm.step(input, &mut states[0], &mut logits[0]).unwrap();
            candle.step(input, &mut states[1], &mut logits[1]).unwrap();
            for (a, b) in logits[0].iter().zip(&logits[1]) {
                worst = worst.max((a - b).abs());
            }
        }
        worst
    }

    #[test]
    fn every_way_to_step_is_candles_step() {
        let config = LstmConfig {
            vocabulary: 70,
            places: 5,
            features: 21,
            embedding: 30,
            hidden: 40,
            layers: 3,
            dropout: 0.0,
        };
        for (precision, bound) in [(Precision::F32, 1e-5), (Precision::F16, 5e-4)] {
            for simd in Simd::all() {
                for table in [0, MAX_TABLE] {
                    let worst = furthest_from_candle(config, |p| {
                        Lstm::packed_for(p, precision, simd, table)
                    });
                    assert!(worst < bound, "{precision:?} {simd:?} table {table}: {worst}");
                }
            }
        }
    }

    #[test]
    fn half_precision_is_close_at_every_size() {
        for config in [
            LstmConfig { embedding: 64, hidden: 64, ..LstmConfig::default() },
            LstmConfig { vocabulary: 1_000, ..LstmConfig::default() },
        ] {
            let worst = furthest_from_candle(config, |p| Lstm::packed(p, Precision::F16));
            assert!(worst < 5e-4, "{config:?}: {worst}");
        }
    }
}
