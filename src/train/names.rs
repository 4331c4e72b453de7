//! The published recipes `jazz` and `rock`: windows of names, a scalar for each, and the name that comes next.

pub mod compose;
pub mod config;
pub mod corpus;
mod resume;
pub mod run;
pub mod store;

pub use config::{NamesTrainConfig, Recipe, Watch};
pub use corpus::NamesData;
pub use run::{NamesEvent, NamesJob, NamesOutcome, run};
