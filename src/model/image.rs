//! Networks over images, for training: residual networks from plain loops and matrix products.
//!
//! A batch lies in memory as (image, row, column, channel): a 1x1 convolution is then one matrix product over all
//! places, and what is done a channel (batch norm) runs along vectors. A convolution's weights are (kernel row,
//! kernel column, input, output), so that a part of the kernel is a run of numbers. What training keeps is the
//! output of each convolution and of each block; what lies between, norm and ReLU, is made again from it where it is
//! read. All work is cut into pieces by the shapes alone, and sums are added up piece by piece in order: the
//! numbers are the same on any number of threads.

pub mod checkpoint;
mod convolution;
mod crew;
mod head;
mod loops;
mod norm;
mod patches;
mod plan;
mod pool;
mod resnet;
mod shape;
#[cfg(test)]
mod slopes;

pub use plan::ResNetConfig;
pub use resnet::{Images, Maps, PLACES, ResNet, Score, Workspace};
