//! A record in the words of those who read it: its own, OCSF, ECS or CEF.

mod cef;
mod ecs;
mod ocsf;

use serde_json::Value;

use crate::audit::query::Facts;

/// How a sink's records are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// The line as it stands in the trail.
    #[default]
    Native,
    /// Open Cybersecurity Schema Framework 1.6: hits are class 2006, access is 4002.
    Ocsf,
    /// Elastic Common Schema 8.
    Ecs,
    /// ArcSight Common Event Format 0.
    Cef,
}

impl Format {
    pub const ALL: [Format; 4] = [Format::Native, Format::Ocsf, Format::Ecs, Format::Cef];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Format::Native => "native",
            Format::Ocsf => "ocsf",
            Format::Ecs => "ecs",
            Format::Cef => "cef",
        }
    }

    pub(super) const fn is_json(self) -> bool {
        match self {
            Format::Native | Format::Ocsf | Format::Ecs => true,
            Format::Cef => false,
        }
    }

    /// One line; `None` for what is no record.
    pub(super) fn record(self, line: &[u8], facts: &Facts<'_>) -> Option<Vec<u8>> {
        match self {
            Format::Native => Some(line.to_vec()),
            Format::Ocsf => Some(ocsf::event(&Whole::read(line)?, facts).to_string().into_bytes()),
            Format::Ecs => Some(ecs::event(&Whole::read(line)?, facts).to_string().into_bytes()),
            Format::Cef => Some(cef::event(&Whole::read(line)?, facts).into_bytes()),
        }
    }
}

/// A whole record.
struct Whole(Value);

impl Whole {
    fn read(line: &[u8]) -> Option<Whole> {
        serde_json::from_slice(line).ok().map(Whole)
    }

    /// The value at a JSON pointer; null when it is not there.
    fn at(&self, pointer: &str) -> Value {
        self.0.pointer(pointer).cloned().unwrap_or(Value::Null)
    }

    fn text(&self, pointer: &str) -> &str {
        self.0.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }
}

/// Without its nulls and without what is empty for it.
fn pruned(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let kept = map.into_iter().map(|(name, value)| (name, pruned(value)));
            Value::Object(kept.filter(|(_, value)| !is_empty(value)).collect())
        }
        Value::Array(items) => {
            Value::Array(items.into_iter().map(pruned).filter(|value| !is_empty(value)).collect())
        }
        other => other,
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// How bad a record is, of ten: what CEF and others ask for.
fn severity(facts: &Facts<'_>) -> u8 {
    match (&*facts.kind, facts.action.as_deref(), facts.disclosure.as_deref()) {
        ("control_failure", _, _) => 8,
        (_, _, Some("disclosed" | "partial")) => 8,
        (_, Some("block"), _) => 6,
        (_, Some("redact"), _) => 5,
        (_, Some("alert"), _) => 4,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = r#""time":"2026-11-26T12:00:00.000001Z","node":"egress-1","boot":"b","prev":"00""#;

    fn decision() -> String {
        format!(
            r#"{{"seq":42,{HEAD},"kind":"decision","decision":"d-1","flow":"f-1","tenant":"default","mode":"enforce",
            "client":{{"address":"192.0.2.7","identity":null}},
            "destination":{{"host":"crm.example.com","address":"198.51.100.1","port":443,"group":null,"proven":true}},
            "protocol":{{"listener":"apps","http":"HTTP/1.1","tls_client":"TLSv1.3","tls_upstream":"TLSv1.3"}},
            "http":{{"method":"POST","path_template":"/v1/=a|b\\","status":null,"content_type":"application/json"}},
            "direction":"request","bytes":{{"seen":812,"inspected":812,"uninspected":[],"forwarded_before_decision":0,"forwarded":0}},
            "findings":[{{"identifier":"payment.pan","confidence":"high","matched":2,"distinct":1,"forwarded":0,"withheld":2,"suppressed":0,"at":[],"fingerprints":["ab"]}}],
            "rules":["pan-leaves"],"action":"block","would":null,"reason":null,"disclosure":"prevented",
            "policy":{{"hash":"c0ffee"}},"traceparent":null}}"#
        )
        .replace('\n', "")
    }

    fn clean() -> String {
        let mut record: Value = serde_json::from_str(&decision()).unwrap();
        record["action"] = "allow".into();
        record["disclosure"] = "none".into();
        (record["rules"], record["findings"]) = (Value::Array(vec![]), Value::Array(vec![]));
        record.to_string()
    }

    fn written(format: Format, line: &str) -> String {
        let facts = Facts::parse(line.as_bytes()).unwrap();
        String::from_utf8(format.record(line.as_bytes(), &facts).unwrap()).unwrap()
    }

    fn json(format: Format, line: &str) -> Value {
        serde_json::from_str(&written(format, line)).unwrap()
    }

    #[test]
    fn native_is_the_line() {
        assert_eq!(written(Format::Native, &decision()), decision());
    }

    #[test]
    fn hits_are_data_security_findings_and_access_is_http_activity() {
        let hit = json(Format::Ocsf, &decision());
        // The base event and the class ask for these.
        for name in [
            "activity_id",
            "category_uid",
            "class_uid",
            "metadata",
            "severity_id",
            "time",
            "type_uid",
            "finding_info",
        ] {
            assert!(!hit[name].is_null(), "{name}");
        }
        assert_eq!(
            (&hit["class_uid"], &hit["category_uid"], &hit["type_uid"]),
            (&2006.into(), &2.into(), &200_601.into())
        );
        assert_eq!((&hit["action_id"], &hit["disposition_id"]), (&2.into(), &2.into()));
        assert_eq!(hit["time"], 1_795_694_400_000_u64);
        assert_eq!(hit["data_security"]["detection_system_id"], 2);
        assert_eq!(hit["data_security"]["data_lifecycle_state_id"], 2);
        assert_eq!(hit["metadata"]["sequence"], 42);
        assert_eq!(
            (&hit["finding_info"]["uid"], &hit["dst_endpoint"]["hostname"]),
            (&"d-1".into(), &"crm.example.com".into())
        );
        let access = json(Format::Ocsf, &clean());
        assert_eq!(
            (&access["class_uid"], &access["activity_id"], &access["type_uid"]),
            (&4002.into(), &6.into(), &400_206.into())
        );
        assert_eq!(access["http_request"]["http_method"], "POST");
        assert!(access.get("data_security").is_none());
        let start = format!(r#"{{"seq":2,{HEAD},"kind":"start","version":"0.1.0"}}"#);
        let start = json(Format::Ocsf, &start);
        assert_eq!((&start["class_uid"], &start["type_uid"]), (&6002.into(), &600_203.into()));
        let beat = json(Format::Ocsf, &format!(r#"{{"seq":2,{HEAD},"kind":"heartbeat"}}"#));
        assert_eq!((&beat["class_uid"], &beat["type_uid"]), (&0.into(), &99.into()));
    }

    #[test]
    fn elastic_fields_are_where_elastic_has_them() {
        let event = json(Format::Ecs, &decision());
        assert_eq!(event["@timestamp"], "2026-11-26T12:00:00.000001Z");
        assert_eq!(event["event"]["kind"], "alert");
        assert_eq!(
            (&event["event"]["outcome"], &event["event"]["sequence"]),
            (&"failure".into(), &42.into())
        );
        assert_eq!(
            (&event["source"]["ip"], &event["destination"]["domain"]),
            (&"192.0.2.7".into(), &"crm.example.com".into())
        );
        assert_eq!(
            (&event["http"]["request"]["method"], &event["rule"]["name"]),
            (&"POST".into(), &"pan-leaves".into())
        );
        assert_eq!(event["tidegate"]["disclosure"], "prevented");
        assert_eq!(json(Format::Ecs, &clean())["event"]["outcome"], "success");
    }

    #[test]
    fn cef_escapes_what_would_end_a_field() {
        let event = written(Format::Cef, &decision());
        assert!(event.starts_with("CEF:0|Tidegate|Tidegate|"), "{event}");
        assert!(event.contains("|decision:block|payment.pan block|6|"), "{event}");
        for part in [
            "act=block",
            "src=192.0.2.7",
            "dhost=crm.example.com",
            "requestMethod=POST",
            r"request=/v1/\=a|b\\",
            "externalId=42",
        ] {
            assert!(event.contains(part), "{part} in {event}");
        }
        assert!(!event.contains('\n'));
    }
}
