//! What the whole-product tests run against.
