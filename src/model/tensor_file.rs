//! The files of a model folder: read within bounds, written whole, and tensors by name.

use std::fs;
use std::path::Path;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use crate::model::ModelError;
use crate::model::config::{MAX_PARAMETERS, TensorSpec};

const MAX_HEADER_BYTES: u64 = 1 << 20;
/// The largest file of tensors that is read.
pub(super) const MAX_WEIGHTS_BYTES: u64 = 4 * MAX_PARAMETERS as u64 + 8 + MAX_HEADER_BYTES;

/// The numbers of these tensors, one after the other; the file holds them and nothing else.
pub(super) fn read_tensors(specs: &[TensorSpec], bytes: &[u8]) -> Result<Vec<f32>, ModelError> {
    let wrong = ModelError::Weights;
    let header = bytes.first_chunk().map(|n| u64::from_le_bytes(*n));
    let header = header.ok_or_else(|| wrong("the file is empty or cut off".to_owned()))?;
    if header > MAX_HEADER_BYTES {
        let limit = MAX_HEADER_BYTES;
        return Err(ModelError::TooLarge {
            what: "the header of weights.safetensors",
            bytes: header,
            limit,
        });
    }
    let file = SafeTensors::deserialize(bytes).map_err(|e| wrong(e.to_string()))?;
    if let Some(name) = file.names().into_iter().find(|n| specs.iter().all(|s| s.name != **n)) {
        return Err(wrong(format!("unknown tensor '{}'", printable(name))));
    }
    let mut values = vec![0.0; specs.last().map_or(0, |s| s.range.end)];
    for spec in specs {
        let name = &spec.name;
        let tensor = file.tensor(name).map_err(|_| wrong(format!("tensor '{name}' is missing")))?;
        if tensor.dtype() != Dtype::F32 {
            return Err(wrong(format!("tensor '{name}' is {:?}, not F32", tensor.dtype())));
        }
        if tensor.shape() != spec.shape {
            let (got, want) = (tensor.shape(), &spec.shape);
            return Err(wrong(format!("tensor '{name}' has shape {got:?}, not {want:?}")));
        }
        let (numbers, _) = tensor.data().as_chunks::<4>();
        for (value, number) in values[spec.range.clone()].iter_mut().zip(numbers) {
            *value = f32::from_le_bytes(*number);
            if !value.is_finite() {
                return Err(wrong(format!("tensor '{name}' holds a number that is not finite")));
            }
        }
    }
    Ok(values)
}

/// A file of these tensors, whose numbers lie in `values`.
pub(super) fn write_tensors(specs: Vec<TensorSpec>, values: &[f32]) -> Result<Vec<u8>, ModelError> {
    let bytes: Vec<u8> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
    let mut views = Vec::new();
    for tensor in specs {
        let data = &bytes[4 * tensor.range.start..4 * tensor.range.end];
        let view = TensorView::new(Dtype::F32, tensor.shape, data)
            .map_err(|e| ModelError::Weights(e.to_string()))?;
        views.push((tensor.name, view));
    }
    safetensors::serialize(views, None).map_err(|e| ModelError::Weights(e.to_string()))
}

/// BLAKE3 of shape and numbers, in hex.
pub(super) fn hash(specs: &[TensorSpec], values: &[f32]) -> String {
    let mut hasher = blake3::Hasher::new();
    for tensor in specs {
        hasher.update(format!("{} {:?}\n", tensor.name, tensor.shape).as_bytes());
    }
    for value in values {
        hasher.update(&value.to_le_bytes());
    }
    hasher.finalize().to_hex().to_string()
}

/// Reads a file of at most `limit` bytes.
pub(super) fn read(path: &Path, what: &'static str, limit: u64) -> Result<Vec<u8>, ModelError> {
    let bytes = fs::metadata(path).map_err(io(path))?.len();
    if bytes > limit {
        return Err(ModelError::TooLarge { what, bytes, limit });
    }
    fs::read(path).map_err(io(path))
}

/// Writes a file under another name first, so that a reader never sees half of it.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> Result<(), ModelError> {
    let fresh = path.with_extension("new");
    fs::write(&fresh, bytes).map_err(io(&fresh))?;
    fs::rename(&fresh, path).map_err(io(path))
}

/// What the system says about a path.
pub(super) fn io(path: &Path) -> impl Fn(std::io::Error) -> ModelError {
    let path = path.display().to_string();
    move |source| ModelError::Io { path: path.clone(), source }
}

/// The beginning of a stranger's text, fit for one line.
pub(super) fn printable(text: &str) -> String {
    text.chars().take(80).filter(|c| !c.is_control()).collect()
}
