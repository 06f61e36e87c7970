//! The body of a call that carries several members: one JSON array, of bounded size.

/// Below the limit that the other side has for a body.
const BYTES_MAX: usize = 768 << 10;

pub struct Body<T> {
    pub members: Vec<T>,
    /// A JSON array in the making.
    pub text: Vec<u8>,
}

impl<T> Default for Body<T> {
    fn default() -> Self {
        Self { members: Vec::new(), text: Vec::new() }
    }
}

impl<T> Body<T> {
    /// A member that is larger than the limit travels alone.
    pub fn has_room(&self, member: &[u8]) -> bool {
        self.members.is_empty() || self.text.len() + member.len() < BYTES_MAX
    }

    pub fn add(&mut self, member: T, text: &[u8]) {
        match self.text.pop() {
            None => self.text.push(b'['),
            Some(_closing) => self.text.push(b','),
        }
        self.text.extend_from_slice(text);
        self.text.push(b']');
        self.members.push(member);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_one_array() {
        let mut body = Body::default();
        body.add('a', b"1");
        body.add('b', b"{}");
        assert_eq!((body.text.as_slice(), body.members.as_slice()), (&b"[1,{}]"[..], &['a', 'b'][..]));
        assert!(!body.has_room(&vec![b' '; BYTES_MAX]));
        assert!(Body::<()>::default().has_room(&vec![b' '; BYTES_MAX]));
    }
}
