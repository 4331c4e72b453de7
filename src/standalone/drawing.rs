//! Drawing without a font file or a graphics library: smooth shapes, and letters of lines and arcs.

pub(crate) mod canvas;
pub(crate) mod lettering;
