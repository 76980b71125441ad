//! What is known of the world, from a file of the kind Facts, from a cluster, or assumed and said so.

/// What is known of the world around all subjects of a command.
#[derive(Clone, Debug, Default)]
pub struct World {}
