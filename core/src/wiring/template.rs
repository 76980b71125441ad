//! A value that may hold `{cluster}`, `{namespace}` and `{name}`, taken apart once.

/// What the variables stand for, for one object.
#[derive(Clone, Copy, Debug)]
pub struct Variables<'a> {
    /// The wiring's `cluster`.
    pub cluster: &'a str,
    /// The object's namespace.
    pub namespace: &'a str,
    /// The object's name; `None` on a create with `generateName`.
    pub name: Option<&'a str>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Cluster,
    Namespace,
    Name,
}

/// A parsed value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<Part>);

impl Template {
    /// Reads a value; the error says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if text.is_empty() {
            return Err("must not be empty");
        }
        if text.contains('$') {
            return Err("must not hold `$`: Prometheus would expand it");
        }
        if text.chars().any(char::is_control) {
            return Err("must not hold control characters");
        }
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(open) = rest.find(['{', '}']) {
            if open > 0 {
                parts.push(Part::Text(rest[..open].to_owned()));
            }
            let variable = [
                ("{cluster}", Part::Cluster),
                ("{namespace}", Part::Namespace),
                ("{name}", Part::Name),
            ]
            .into_iter()
            .find(|(written, _)| rest[open..].starts_with(written));
            let Some((written, part)) = variable else {
                return Err("the only variables are {cluster}, {namespace} and {name}");
            };
            parts.push(part);
            rest = &rest[open + written.len()..];
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Self(parts))
    }

    /// The value as an expression: its texts as `text` writes them, joined with what stands for the variables.
    pub(crate) fn parts(
        &self,
        cluster: &str,
        text: impl Fn(&str) -> String,
        namespace: &str,
        name: &str,
    ) -> String {
        let parts = self.0.iter().map(|part| match part {
            Part::Text(written) => text(written),
            Part::Cluster => text(cluster),
            Part::Namespace => namespace.to_owned(),
            Part::Name => name.to_owned(),
        });
        parts.collect::<Vec<_>>().join(" + ")
    }

    /// The value for one object; `None` when it needs a name that is not known yet.
    pub fn render(&self, variables: &Variables<'_>) -> Option<String> {
        let mut rendered = String::new();
        for part in &self.0 {
            rendered.push_str(match part {
                Part::Text(text) => text,
                Part::Cluster => variables.cluster,
                Part::Namespace => variables.namespace,
                Part::Name => variables.name?,
            });
        }
        Some(rendered)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn renders_the_three_variables_and_refuses_every_other() {
        let variables = Variables {
            cluster: "edge",
            namespace: "team-a",
            name: Some("k8s"),
        };
        let rendered =
            |text: &str| Template::parse(text).map(|template| template.render(&variables));
        assert_eq!(
            rendered("{cluster}-{namespace}/{name}"),
            Ok(Some("edge-team-a/k8s".to_owned()))
        );
        assert_eq!(rendered("plain"), Ok(Some("plain".to_owned())));
        for wrong in [
            "",
            "{Cluster}",
            "{cluster",
            "cluster}",
            "{}",
            "a$b",
            "{pod}",
            "a\nb",
        ] {
            assert!(Template::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn waits_for_a_name_only_where_it_is_used() {
        let nameless = Variables {
            cluster: "edge",
            namespace: "team-a",
            name: None,
        };
        assert_eq!(Template::parse("{name}").unwrap().render(&nameless), None);
        assert_eq!(
            Template::parse("{cluster}")
                .unwrap()
                .render(&nameless)
                .as_deref(),
            Some("edge")
        );
    }
}
