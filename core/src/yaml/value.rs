//! Nodes in, JSON out: types found out, aliases expanded, `<<` merged, keys made strings, as goyaml.v2 and then
//! `sigs.k8s.io/yaml` do it.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::{Map, Value};

use super::compose::{Composed, Written};
use super::scalars::{Scalar, json_number, resolve};
use super::tree::{Kind, Node, children, index, key_text};
use super::{Fault, MAX_DEPTH, MAX_NODES, Parsed};

const PREFIX: &str = "tag:yaml.org,2002:";

/// Makes the value of a composed document.
pub(super) fn convert(mut composed: Composed) -> Result<Parsed, Fault> {
    let mut converter = Converter {
        nodes: &composed.tree.nodes,
        scalars: &mut composed.scalars,
        has_aliases: composed.has_aliases,
        depth: 0,
        decoded: 1,
        aliased: 0,
        alias_depth: 0,
        duplicates: Vec::new(),
    };
    let value = converter.value(0)?;
    let duplicates = converter.duplicates;
    Ok(Parsed {
        value,
        tree: composed.tree,
        duplicates,
    })
}

struct Converter<'a> {
    nodes: &'a [Node],
    scalars: &'a mut [Written],
    has_aliases: bool,
    /// Levels of collections, merges and aliases around the current node.
    depth: usize,
    /// goyaml.v2's own measure against alias bombs: how many nodes were read, and how many of them through an alias.
    decoded: usize,
    aliased: usize,
    alias_depth: usize,
    duplicates: Vec<usize>,
}

impl Converter<'_> {
    fn value(&mut self, number: usize) -> Result<Value, Fault> {
        self.count(number)?;
        let nodes = self.nodes;
        let node = nodes[number];
        match node.kind {
            Kind::Plain | Kind::Quoted | Kind::BlockScalar => self.scalar(number),
            Kind::Alias => self.through_alias(number, |this| this.value(index(node.extra))),
            Kind::BlockSequence | Kind::FlowSequence => self.deeper(number, |this| {
                let mut items = Vec::with_capacity(children(nodes, number).count());
                for child in children(nodes, number) {
                    items.push(this.value(child)?);
                }
                Ok(Value::Array(items))
            }),
            Kind::BlockMapping | Kind::FlowMapping => {
                let mut map = Map::with_capacity(children(nodes, number).count() / 2);
                self.mapping(number, &mut map)?;
                Ok(Value::Object(map))
            }
        }
    }

    /// Puts the members of a mapping into `map`; of equal keys the later one counts, merged or not.
    fn mapping(&mut self, number: usize, map: &mut Map<String, Value>) -> Result<(), Fault> {
        self.deeper(number, |this| {
            // Merged keys are no duplicates, and neither is a key that replaces a merged one.
            let mut own = this.alias_depth == 0;
            let mut children = children(this.nodes, number);
            while let (Some(key), Some(value)) = (children.next(), children.next()) {
                if this.is_merge(key) {
                    this.merge(value, map)?;
                    own = false;
                    continue;
                }
                let name = this.key(key)?;
                let value = this.value(value)?;
                if map.insert(name, value).is_some() && own {
                    this.duplicates.push(index(this.nodes[key].start));
                }
            }
            Ok(())
        })
    }

    fn merge(&mut self, number: usize, map: &mut Map<String, Value>) -> Result<(), Fault> {
        let node = self.nodes[number];
        let is_mapping = |node: &Node| matches!(node.kind, Kind::BlockMapping | Kind::FlowMapping);
        match node.kind {
            Kind::BlockMapping | Kind::FlowMapping => {
                self.count(number)?;
                self.mapping(number, map)
            }
            Kind::Alias if is_mapping(&self.nodes[index(node.extra)]) => {
                self.count(number)?;
                self.through_alias(number, |this| {
                    this.count(index(node.extra))?;
                    this.mapping(index(node.extra), map)
                })
            }
            Kind::BlockSequence | Kind::FlowSequence => {
                let items: Vec<usize> = children(self.nodes, number).collect();
                // The first of them wins, so it goes in last.
                for item in items.into_iter().rev() {
                    if matches!(
                        self.nodes[item].kind,
                        Kind::BlockSequence | Kind::FlowSequence
                    ) {
                        return self
                            .fault("a merge key needs a mapping or a list of mappings", item);
                    }
                    self.merge(item, map)?;
                }
                Ok(())
            }
            _ => self.fault("a merge key needs a mapping or a list of mappings", number),
        }
    }

    fn is_merge(&self, number: usize) -> bool {
        let node = self.nodes[number];
        if !node.kind.is_scalar() {
            return false;
        }
        let scalar = &self.scalars[index(node.extra)];
        scalar.text == "<<"
            && (scalar.implicit || scalar.tag.as_deref() == Some("tag:yaml.org,2002:merge"))
    }

    fn key(&mut self, number: usize) -> Result<String, Fault> {
        self.count(number)?;
        let mut node = self.nodes[number];
        if node.kind == Kind::Alias {
            self.through_alias(number, |this| this.count(index(node.extra)))?;
            node = self.nodes[index(node.extra)];
        }
        if !node.kind.is_scalar() {
            return self.fault(
                "a mapping or a list as a key (a Helm template? render it first)",
                number,
            );
        }
        let place = index(node.extra);
        match self.typed(number, place)? {
            Scalar::Text => self.text(number, place),
            other => match key_text(other, "") {
                Some(name) => Ok(name),
                None => self.fault("a key that is neither text nor a number", number),
            },
        }
    }

    fn scalar(&mut self, number: usize) -> Result<Value, Fault> {
        let place = index(self.nodes[number].extra);
        Ok(match self.typed(number, place)? {
            Scalar::Null => Value::Null,
            Scalar::Bool(value) => Value::Bool(value),
            Scalar::Int(value) => Value::Number(value.into()),
            Scalar::Uint(value) => Value::Number(value.into()),
            Scalar::Float(value) => match json_number(value) {
                Some(number) => Value::Number(number),
                None => {
                    return self.fault("infinity and not-a-number have no place in JSON", number);
                }
            },
            Scalar::Text => Value::String(self.text(number, place)?),
        })
    }

    /// The type of a scalar, its tag heeded.
    fn typed(&self, number: usize, place: usize) -> Result<Scalar, Fault> {
        let scalar = &self.scalars[place];
        let Some(tag) = scalar.tag.as_deref().filter(|tag| !tag.is_empty()) else {
            return Ok(if scalar.implicit {
                resolve(&scalar.text)
            } else {
                Scalar::Text
            });
        };
        // A tag that YAML does not know makes text of anything.
        let Some(name) = tag.strip_prefix(PREFIX) else {
            return Ok(Scalar::Text);
        };
        if name == "timestamp" {
            return self.fault(
                "the tag !!timestamp: JSON has no dates, write a string",
                number,
            );
        }
        if !matches!(name, "null" | "bool" | "int" | "float") {
            return Ok(Scalar::Text);
        }
        match (name, resolve(&scalar.text)) {
            ("null", Scalar::Null) => Ok(Scalar::Null),
            ("bool", found @ Scalar::Bool(_))
            | ("int", found @ (Scalar::Int(_) | Scalar::Uint(_)))
            | ("float", found @ (Scalar::Float(_) | Scalar::Int(_))) => Ok(found),
            _ => self.fault("a value that is not what its tag says", number),
        }
    }

    /// The text of a scalar, taken away unless an alias may ask for it again.
    fn text(&mut self, number: usize, place: usize) -> Result<String, Fault> {
        let scalar = &mut self.scalars[place];
        let text = if self.has_aliases {
            scalar.text.clone()
        } else {
            std::mem::take(&mut scalar.text)
        };
        if scalar.tag.as_deref() != Some("tag:yaml.org,2002:binary") {
            return Ok(text);
        }
        // Go skips line ends and does not mind bits left over.
        let config = GeneralPurposeConfig::new()
            .with_decode_allow_trailing_bits(true)
            .with_decode_padding_mode(DecodePaddingMode::RequireCanonical);
        let encoded: String = text
            .chars()
            .filter(|character| !matches!(character, '\r' | '\n'))
            .collect();
        let decoded = GeneralPurpose::new(&STANDARD, config).decode(encoded).ok();
        match decoded.and_then(|bytes| String::from_utf8(bytes).ok()) {
            Some(decoded) => Ok(decoded),
            None => self.fault("a !!binary value that is not text in base64", number),
        }
    }

    fn deeper<T>(
        &mut self,
        number: usize,
        act: impl FnOnce(&mut Self) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        if self.depth >= MAX_DEPTH {
            return self.fault("nested more than 512 levels deep", number);
        }
        self.depth += 1;
        let result = act(self);
        self.depth -= 1;
        result
    }

    fn through_alias<T>(
        &mut self,
        number: usize,
        act: impl FnOnce(&mut Self) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        self.alias_depth += 1;
        let result = self.deeper(number, act);
        self.alias_depth -= 1;
        result
    }

    /// Counts a node; refuses a document that is mostly aliases, by goyaml.v2's formula, and one that is too large.
    fn count(&mut self, number: usize) -> Result<(), Fault> {
        self.decoded += 1;
        if self.alias_depth == 0 {
            return Ok(());
        }
        self.aliased += 1;
        if self.decoded > MAX_NODES {
            return self.fault(
                "more than 4 000 000 nodes in one document, aliases expanded",
                number,
            );
        }
        #[expect(clippy::cast_precision_loss, reason = "both are below 2^23")]
        let (decoded, aliased) = (self.decoded as f64, self.aliased as f64);
        let allowed = 0.99 - 0.89 * ((decoded - 400_000.0) / 3_600_000.0).clamp(0.0, 1.0);
        if self.aliased > 100 && self.decoded > 1000 && aliased / decoded > allowed {
            return self.fault("too much of the document comes from aliases", number);
        }
        Ok(())
    }

    fn fault<T>(&self, message: &'static str, number: usize) -> Result<T, Fault> {
        Err(Fault {
            message,
            offset: index(self.nodes[number].start),
        })
    }
}
