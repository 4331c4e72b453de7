//! Sizes of batches of images and of convolutions over them.

/// The sizes of a batch of feature maps, slowest first.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Size {
    /// Images in the batch.
    pub(crate) images: usize,
    /// Rows of each.
    pub(crate) height: usize,
    /// Columns of each.
    pub(crate) width: usize,
    /// Numbers at each place.
    pub(crate) channels: usize,
}

impl Size {
    /// Places in all images.
    pub(crate) const fn places(self) -> usize {
        self.images * self.height * self.width
    }

    /// Numbers in all.
    pub(crate) const fn len(self) -> usize {
        self.places() * self.channels
    }

    /// The numbers of one image.
    pub(crate) const fn image(self) -> usize {
        self.height * self.width * self.channels
    }
}

/// How a kernel walks along one axis.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Axis {
    /// Places under the kernel.
    pub(crate) kernel: usize,
    /// Places from one stop to the next.
    pub(crate) stride: usize,
    /// Zeros at either end.
    pub(crate) padding: usize,
}

/// Where the places that a kernel looks at lie on the source's axis: stop `p` looks at `taps` places from
/// `p * step + first` on, some of them perhaps outside.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Reach {
    /// Source places from one stop to the next.
    pub(crate) step: usize,
    /// The first place that stop 0 looks at.
    pub(crate) first: isize,
    /// How many places each stop looks at.
    pub(crate) taps: usize,
}

impl Axis {
    /// Stops along an axis of `length` places; 0 where the kernel does not fit.
    pub(crate) const fn stops(self, length: usize) -> usize {
        let padded = length + 2 * self.padding;
        if padded < self.kernel { 0 } else { (padded - self.kernel) / self.stride + 1 }
    }

    /// What the stops look at on the way forwards.
    pub(crate) const fn forward(self) -> Reach {
        Reach { step: self.stride, first: -(self.padding as isize), taps: self.kernel }
    }

    /// The way back to the input places `phase`, `phase + stride`, `phase + 2 stride` and so on: they are reached
    /// through the same taps of the kernel. Gives what they look at among the stops, and the tap that belongs
    /// to the first of those; the next ones belong to the taps `stride` lower each.
    pub(crate) const fn backward(self, phase: usize) -> (Reach, usize) {
        let lowest = (phase + self.padding) % self.stride;
        if lowest >= self.kernel {
            return (Reach { step: 1, first: 0, taps: 0 }, 0);
        }
        let taps = (self.kernel - 1 - lowest) / self.stride + 1;
        let highest = lowest + (taps - 1) * self.stride;
        let first = (phase + self.padding) as isize - highest as isize;
        // Exact: `highest` was chosen congruent to `phase + padding`.
        (Reach { step: 1, first: first / self.stride as isize, taps }, highest)
    }

    /// Input places of a phase along an axis of `length` places.
    pub(crate) const fn places_of_phase(self, length: usize, phase: usize) -> usize {
        if length > phase { (length - phase - 1) / self.stride + 1 } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_back_is_the_way_forwards_mirrored() {
        for kernel in 1..6 {
            for stride in 1..4 {
                for padding in 0..4 {
                    let axis = Axis { kernel, stride, padding };
                    for length in 1..9 {
                        check(axis, length);
                    }
                }
            }
        }
    }

    /// Counts the ties between places, taps and stops in both directions.
    fn check(axis: Axis, length: usize) {
        let mut forward = Vec::new();
        let reach = axis.forward();
        for stop in 0..axis.stops(length) {
            for tap in 0..reach.taps {
                let place = (stop * reach.step + tap) as isize + reach.first;
                if (0..length as isize).contains(&place) {
                    forward.push((place as usize, tap, stop));
                }
            }
        }
        let mut backward = Vec::new();
        for phase in 0..axis.stride {
            let (reach, highest) = axis.backward(phase);
            for nth in 0..axis.places_of_phase(length, phase) {
                for tap in 0..reach.taps {
                    let stop = (nth * reach.step + tap) as isize + reach.first;
                    if (0..axis.stops(length) as isize).contains(&stop) {
                        let place = phase + nth * axis.stride;
                        backward.push((place, highest - tap * axis.stride, stop as usize));
                    }
                }
            }
        }
        forward.sort_unstable();
        backward.sort_unstable();
        assert_eq!(forward, backward, "{axis:?}, {length}");
    }
}
