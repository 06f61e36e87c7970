//! The microblog, `blog.v1`: the bundled example.

mod publish;

use crate::commands::Registry;

/// Messages of `proto/blog/v1`.
#[allow(clippy::doc_lazy_continuation)]
pub mod v1 {
    include!(concat!(env!("OUT_DIR"), "/blog.v1.rs"));
}

pub fn register(registry: &mut Registry) {
    registry.rule("blog.v1.BlogService.Publish", publish::publish);
}
