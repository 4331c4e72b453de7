//! The sound card, if there is one: takes finished samples from a ring.

use cpal::traits::{DeviceTrait as _, HostTrait as _, StreamTrait as _};
use ringbuf::traits::{Consumer as _, Observer as _, Producer as _, Split as _};
use ringbuf::{HeapProd, HeapRb};

use crate::standalone::card_face::quiet;

/// Samples that the ring holds: a third of a second at 48 kHz.
const RING_FRAMES: usize = 16_384;

/// An open sound card. Dropping it stops the sound.
pub struct AudioOut {
    _stream: cpal::Stream,
    frames_tx: HeapProd<[f32; 2]>,
    rate: u32,
    name: String,
}

impl AudioOut {
    /// Opens the default output and starts it.
    ///
    /// # Errors
    /// A line on why there is no sound; the music can go on without.
    pub fn open() -> Result<Self, String> {
        let _quiet = quiet();
        let device = cpal::default_host()
            .default_output_device()
            .ok_or_else(|| "there is no sound card".to_owned())?;
        let name = device.to_string();
        let wanted = device.default_output_config().map_err(|e| format!("{name}: {e}"))?;
        let config = wanted.config();
        let channels = usize::from(config.channels.max(1));
        let (frames_tx, mut frames_rx) = HeapRb::<[f32; 2]>::new(RING_FRAMES).split();
        let stream = device
            .build_output_stream::<f32, _, _>(
                config,
                // The audio callback: no allocation, lock or system call.
                move |samples, _| {
                    for frame in samples.chunks_mut(channels) {
                        let [left, right] = frames_rx.try_pop().unwrap_or_default();
                        match frame {
                            [mono] => *mono = 0.5 * (left + right),
                            [a, b, rest @ ..] => {
                                (*a, *b) = (left, right);
                                rest.fill(0.0);
                            }
                            [] => {}
                        }
                    }
                },
                |_| {},
                None,
            )
            .map_err(|e| format!("{name}: {e}"))?;
        stream.play().map_err(|e| format!("{name}: {e}"))?;
        Ok(Self { _stream: stream, frames_tx, rate: config.sample_rate, name })
    }

    /// Samples a second.
    pub const fn rate(&self) -> u32 {
        self.rate
    }

    /// What the system calls the card.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Samples that wait to be heard.
    pub fn waiting(&self) -> usize {
        self.frames_tx.occupied_len()
    }

    /// Hands samples over; what does not fit is left out.
    pub fn write(&mut self, left: &[f32], right: &[f32]) {
        for (left, right) in left.iter().zip(right) {
            if self.frames_tx.try_push([*left, *right]).is_err() {
                return;
            }
        }
    }
}
