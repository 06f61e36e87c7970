//! W3C trace context: continue the caller's trace or start one.
//!
//! Source: <https://www.w3.org/TR/trace-context/> level 1; unknown versions are read by its rules.

/// One span of a trace: this request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceContext {
    traceparent: String,
}

impl TraceContext {
    /// A new span in the trace of `header`, or in a trace of its own when there is none that is valid.
    pub fn continue_or_start(header: Option<&str>) -> Self {
        let span = format!("{:016x}", rand::random::<u64>() | 1);
        let traceparent = match header.and_then(parse) {
            Some((trace, flags)) => format!("00-{trace}-{span}-{flags}"),
            None => format!("00-{:032x}-{span}-00", rand::random::<u128>() | 1),
        };
        Self { traceparent }
    }

    /// The header for answers and for calls made on behalf of this request.
    pub fn traceparent(&self) -> &str {
        &self.traceparent
    }

    pub fn trace_id(&self) -> &str {
        &self.traceparent[3..35]
    }
}

/// Trace id and flags of a valid header.
fn parse(header: &str) -> Option<(&str, &str)> {
    let is_hex = |text: &str| text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let is_zero = |text: &str| text.bytes().all(|byte| byte == b'0');
    let mut parts = header.trim().split('-');
    let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let lengths_fit = version.len() == 2 && trace.len() == 32 && span.len() == 16 && flags.len() == 2;
    let all_hex = [version, trace, span, flags].into_iter().all(is_hex);
    let extra = parts.next().is_some();
    if !lengths_fit
        || !all_hex
        || version == "ff"
        || is_zero(trace)
        || is_zero(span)
        || (version == "00" && extra)
    {
        return None;
    }
    Some((trace, flags))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn continues_a_valid_trace_with_a_new_span() {
        let given = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let context = TraceContext::continue_or_start(Some(given));
        assert_eq!(context.trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert!(context.traceparent().ends_with("-01"));
        assert_ne!(context.traceparent(), given);
    }

    #[test]
    fn starts_its_own_when_the_header_is_invalid() {
        for bad in ["", "00-0-0-0", "00-00000000000000000000000000000000-00f067aa0ba902b7-01", "zz"] {
            let context = TraceContext::continue_or_start(Some(bad));
            assert_eq!(context.traceparent().len(), 55, "{bad}");
        }
    }
}
