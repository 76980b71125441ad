//! How much YAML is read, and which of its features: a file of manifests is trusted with more than a Secret is.

/// The most that is read as one stream, in bytes.
pub const MAX_BYTES: usize = 64 << 20;
/// The most levels of nesting, aliases expanded.
pub const MAX_DEPTH: usize = 512;
/// The most nodes of one document, keys and expanded aliases counted.
pub const MAX_NODES: usize = 4_000_000;

/// A number that must not be exceeded, and what is said when it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// The largest number that is fine.
    pub most: usize,
    /// A constant without content of the text.
    pub exceeded: &'static str,
}

/// What a reader takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Of the text.
    pub bytes: Limit,
    /// Levels of nesting.
    pub depth: Limit,
    /// Scalars, sequences, mappings and aliases, keys counted.
    pub nodes: Limit,
    /// Whether `*name` may stand for something else.
    pub aliases: bool,
    /// Whether `!name` may say what a value is.
    pub tags: bool,
    /// Whether what follows the first document is left unread, as goyaml.v2 does; otherwise it is an error.
    pub only_first: bool,
}

impl Limits {
    /// For files that a person or a program gives to the plugin.
    pub const MANIFEST: Self = Self {
        bytes: Limit {
            most: MAX_BYTES,
            exceeded: "more than 64 MiB in one document",
        },
        depth: Limit {
            most: MAX_DEPTH,
            exceeded: "nested more than 512 levels deep",
        },
        nodes: Limit {
            most: MAX_NODES,
            exceeded: "more than 4 000 000 nodes in one document",
        },
        aliases: true,
        tags: true,
        only_first: false,
    };

    /// For YAML inside a Secret, which the webhook reads for everybody.
    pub const SECRET: Self = Self {
        bytes: Limit {
            most: 64 << 10,
            exceeded: "more than 64 KiB",
        },
        depth: Limit {
            most: 32,
            exceeded: "nested more than 32 levels deep",
        },
        nodes: Limit {
            most: 2000,
            exceeded: "more than 2 000 nodes",
        },
        aliases: false,
        tags: false,
        only_first: true,
    };
}
