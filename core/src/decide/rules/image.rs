//! Image references as container runtimes read them: `prom/prometheus` is `docker.io/prom/prometheus`.
//!
//! The rules are those of `splitDockerDomain` in distribution/reference (`normalize.go`), which the operator and every
//! runtime follow.

use semver::{Prerelease, Version};

use crate::policy::NamePattern;
use crate::versions;

const DOCKER: &str = "docker.io";

/// A reference in its one spelling.
pub(super) struct Image<'a> {
    /// `docker.io/library/busybox`.
    name: String,
    /// `:v1`, `@sha256:…`, both or nothing.
    rest: &'a str,
}

impl<'a> Image<'a> {
    /// Reads a reference; `None` for what no runtime takes.
    pub(super) fn read(text: &'a str) -> Option<Self> {
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return None;
        }
        let image = Self::split(text);
        let (domain, path) = image.name.split_once('/')?;
        let plain = |byte: u8| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-/".contains(&byte)
        };
        let right = !domain.is_empty()
            && path.bytes().all(plain)
            && path.split('/').all(|segment| !segment.is_empty());
        right.then_some(image)
    }

    /// Whether one of the patterns matches. Tags and digests are free, unless a pattern names one.
    pub(super) fn allowed(&self, patterns: &[NamePattern]) -> bool {
        patterns.iter().any(|pattern| {
            let wanted = Image::split(pattern.written());
            NamePattern::read(&wanted.name).matches(&self.name)
                && (wanted.rest.is_empty() || NamePattern::read(wanted.rest).matches(self.rest))
        })
    }

    /// The version that the tag names, where it names one.
    pub(super) fn version(&self) -> Option<Version> {
        let tag = self.rest.strip_prefix(':')?;
        versions::parse(tag.split('@').next()?)
    }

    fn split(text: &'a str) -> Self {
        let end = text.find('@').unwrap_or(text.len());
        let last = text[..end].rfind('/').map_or(0, |slash| slash + 1);
        let end = text[last..end].find(':').map_or(end, |colon| last + colon);
        let (name, rest) = text.split_at(end);
        let domain = name.split_once('/').filter(|(first, _)| {
            first.contains(['.', ':']) || *first == "localhost" || first.to_lowercase() != *first
        });
        let (domain, path) = domain.unwrap_or((DOCKER, name));
        let domain = match domain.to_ascii_lowercase().as_str() {
            "index.docker.io" => DOCKER.to_owned(),
            other => other.to_owned(),
        };
        let library = if domain == DOCKER && !path.contains('/') {
            "library/"
        } else {
            ""
        };
        Self {
            name: format!("{domain}/{library}{path}"),
            rest,
        }
    }
}

/// A pattern in its one spelling: name, and tag or digest where it names one.
pub(crate) fn pattern(written: &str) -> Option<(String, String)> {
    let image = Image::split(written);
    image
        .name
        .contains('/')
        .then(|| (image.name, image.rest.to_owned()))
}

/// Whether a version is older than the oldest that may run. A suffix that names a flavour (`-distroless`) and no
/// candidate does not make it older.
pub(super) fn is_below(version: &Version, minimum: &Version) -> bool {
    let mut version = version.clone();
    let candidate = ["alpha", "beta", "rc"]
        .iter()
        .any(|word| version.pre.starts_with(word));
    if !candidate && minimum.pre.is_empty() {
        version.pre = Prerelease::EMPTY;
    }
    version.cmp_precedence(minimum).is_lt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(pattern: &str, image: &str) -> bool {
        Image::read(image).is_some_and(|image| image.allowed(&[NamePattern::read(pattern)]))
    }

    #[test]
    fn one_image_has_one_spelling() {
        for same in [
            "prom/prometheus",
            "docker.io/prom/prometheus:v3.5.0",
            "DOCKER.IO/prom/prometheus",
            "index.docker.io/prom/prometheus@sha256:00",
        ] {
            assert!(allowed("prom/*", same), "{same}");
            assert!(allowed("docker.io/prom/prometheus", same), "{same}");
        }
        assert!(allowed("busybox", "docker.io/library/busybox:1"));
        assert!(allowed(
            "quay.io/prometheus/*",
            "QUAY.io/prometheus/prometheus:v3@sha256:00"
        ));
        assert!(allowed("localhost:5000/a", "localhost:5000/a:1"));
        assert!(allowed("quay.io/a/b:v3.*", "quay.io/a/b:v3.1.0"));
    }

    #[test]
    fn another_image_is_another() {
        for other in [
            "prometheus/prometheus",
            "quay.io/prometheus/evil/prometheus",
            "quay.io.evil.org/prometheus/prometheus",
            "quay.io:443/prometheus/prometheus",
            "quay.io./prometheus/prometheus",
            "evil.org/quay.io/prometheus/prometheus",
            "quay.io/prometheus/Prometheus",
            "quay.io/prometheus//prometheus",
            " quay.io/prometheus/prometheus",
            "quay.io/prometheus/prometheu\u{455}",
            "evil@quay.io/prometheus/prometheus",
            "evil:x@quay.io/prometheus/prometheus",
            "",
            "/",
            ":",
            "@",
        ] {
            assert!(!allowed("quay.io/prometheus/*", other), "{other}");
        }
        assert!(!allowed("quay.io/a/b:v3.*", "quay.io/a/b:v2.1.0"));
        assert!(!allowed("quay.io/a/b:v3.1.0", "quay.io/a/b"));
        assert!(!allowed("*", "prom/prometheus"));
    }

    #[test]
    fn a_flavour_is_no_candidate() {
        let below = |version: &str, minimum: &str| {
            is_below(
                &versions::parse(version).unwrap(),
                &versions::parse(minimum).unwrap(),
            )
        };
        assert!(below("v3.4.9", "v3.5.0") && below("v3.5.0-rc.1", "v3.5.0"));
        assert!(!below("v3.5.0", "v3.5.0") && !below("v3.5.0-distroless", "v3.5.0"));
    }
}
