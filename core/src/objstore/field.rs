//! A field of a provider: its name, its Go type and what it is for; and short ways to write one down.

/// What a field is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Nothing that a policy asks about.
    Plain,
    /// A credential that does not change by itself.
    StaticSecret,
    /// A Google key file's content, which may or may not hold a credential.
    ServiceAccount,
    /// Who one is, which is no secret.
    Identifier,
    /// The bucket, container or directory.
    Bucket,
    /// The account that the container belongs to.
    Account,
    /// The service's address.
    Endpoint,
    /// A file in the pod.
    FilePath,
}

/// The Go type of a field.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shape {
    Text,
    Int,
    Int32,
    Uint,
    Bool,
    /// Prometheus' duration.
    Duration,
    /// Go's own.
    GoDuration,
    /// S3's `bucket_lookup_type`.
    Lookup,
    TextMap,
    Group(&'static [Field]),
}

/// One field.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) shape: Shape,
    pub(super) role: Role,
    /// Thanos refuses it empty.
    pub(super) required: bool,
}

pub(super) const fn field(name: &'static str, shape: Shape, role: Role) -> Field {
    Field {
        name,
        shape,
        role,
        required: false,
    }
}

pub(super) const fn must(name: &'static str, role: Role) -> Field {
    Field {
        required: true,
        ..field(name, Shape::Text, role)
    }
}

pub(super) const fn text(name: &'static str) -> Field {
    field(name, Shape::Text, Role::Plain)
}

pub(super) const fn named(name: &'static str) -> Field {
    field(name, Shape::Text, Role::Identifier)
}

pub(super) const fn secret(name: &'static str) -> Field {
    field(name, Shape::Text, Role::StaticSecret)
}

pub(super) const fn file(name: &'static str) -> Field {
    field(name, Shape::Text, Role::FilePath)
}

pub(super) const fn int(name: &'static str) -> Field {
    field(name, Shape::Int, Role::Plain)
}

pub(super) const fn flag(name: &'static str) -> Field {
    field(name, Shape::Bool, Role::Plain)
}

pub(super) const fn duration(name: &'static str) -> Field {
    field(name, Shape::Duration, Role::Plain)
}

pub(super) const fn group(name: &'static str, fields: &'static [Field]) -> Field {
    field(name, Shape::Group(fields), Role::Plain)
}

pub(super) const fn map(name: &'static str) -> Field {
    field(name, Shape::TextMap, Role::Plain)
}
