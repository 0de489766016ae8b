//! Values with their units, as they stand in the file.

use std::borrow::Cow;
use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use samara_model::{ByteCount, BytesPerSecond, parse_duration};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A size, `"200 MiB"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size(pub ByteCount);

/// A rate, `"4 Gbit/s"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate(pub BytesPerSecond);

/// A duration, `"30s"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span(pub Duration);

/// A host and a port, `"node1:7300"`; whether the host exists is found out when it is dialled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostPort(pub String);

/// An IP address and a port, `"0.0.0.0:7300"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Address(pub SocketAddr);

/// A value of a parameter of a policy, however it is written: `4`, `true`, `"25%"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Param(pub String);

impl Address {
    fn read(text: &str) -> Result<Address, String> {
        text.parse().map(Address).map_err(|_| {
            format!(
                "`{text}` is not an address to listen on: write IP:PORT, for example `0.0.0.0:7300`"
            )
        })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Size {
    fn read(text: &str) -> Result<Size, String> {
        text.parse().map(Size).map_err(|why| format!("{why}"))
    }
}

impl Rate {
    fn read(text: &str) -> Result<Rate, String> {
        match text.parse() {
            Ok(BytesPerSecond(0)) => {
                Err("a rate of zero lets nothing through; leave the key out for no limit".into())
            }
            Ok(rate) => Ok(Rate(rate)),
            Err(why) => Err(format!("{why}")),
        }
    }
}

impl Span {
    fn read(text: &str) -> Result<Span, String> {
        parse_duration(text).map(Span).map_err(|why| format!("{why}"))
    }
}

impl HostPort {
    fn read(text: &str) -> Result<HostPort, String> {
        let named = |(host, port): (&str, &str)| {
            !host.is_empty()
                && !host.contains(':')
                && port.parse::<u16>().is_ok_and(|port| port > 0)
        };
        let numeric = text.parse::<SocketAddr>().is_ok_and(|address| address.port() > 0);
        if numeric || text.rsplit_once(':').is_some_and(named) {
            return Ok(HostPort(text.to_owned()));
        }
        Err(format!("`{text}` is not an address: write HOST:PORT, for example `node1:7300`"))
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.subsec_millis() {
            0 => write!(f, "{}s", self.0.as_secs()),
            _ => write!(f, "{}ms", self.0.as_millis()),
        }
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

macro_rules! written {
    ($name:ident, $expected:literal, $pattern:literal, $example:literal) => {
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                struct Text;
                impl de::Visitor<'_> for Text {
                    type Value = $name;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str($expected)
                    }

                    fn visit_str<E: de::Error>(self, text: &str) -> Result<$name, E> {
                        $name::read(text).map_err(E::custom)
                    }
                }
                from.deserialize_str(Text)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, into: S) -> Result<S::Ok, S::Error> {
                into.collect_str(self)
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn inline_schema() -> bool {
                true
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "pattern": $pattern, "examples": [$example] })
            }
        }
    };
}

written!(Size, "a size in quotes with its unit, like \"200 MiB\"", r"^\s*[0-9]", "200 MiB");
written!(Rate, "a rate in quotes with its unit, like \"4 Gbit/s\"", r"^\s*[0-9]", "4 Gbit/s");
written!(Span, "a duration in quotes with its unit, like \"30s\"", r"^\s*[0-9]", "30s");
written!(HostPort, "an address in quotes, like \"node1:7300\"", r":[0-9]+$", "node1:7300");
written!(Address, "an address in quotes, like \"0.0.0.0:7300\"", r":[0-9]+$", "0.0.0.0:7300");

impl<'de> Deserialize<'de> for Param {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Any;
        impl de::Visitor<'_> for Any {
            type Value = Param;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number, true, false, or a text in quotes")
            }

            fn visit_bool<E>(self, value: bool) -> Result<Param, E> {
                Ok(Param(if value { "yes" } else { "no" }.into()))
            }

            fn visit_i64<E>(self, value: i64) -> Result<Param, E> {
                Ok(Param(value.to_string()))
            }

            fn visit_f64<E>(self, value: f64) -> Result<Param, E> {
                Ok(Param(value.to_string()))
            }

            fn visit_str<E>(self, value: &str) -> Result<Param, E> {
                Ok(Param(value.to_owned()))
            }
        }
        from.deserialize_any(Any)
    }
}

impl Serialize for Param {
    fn serialize<S: Serializer>(&self, into: S) -> Result<S::Ok, S::Error> {
        into.serialize_str(&self.0)
    }
}

impl JsonSchema for Param {
    fn schema_name() -> Cow<'static, str> {
        "Param".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "number", "boolean"] })
    }
}
