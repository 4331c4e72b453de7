//! Floor 4, policy: the settings by name, as users write and read them.

pub mod parameter;
