//! The real binary against a farm of servers on loopback, and against files.
