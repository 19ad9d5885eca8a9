//! The strict reader of the Prometheus text format and of OpenMetrics. It knows nothing of checks, files or
//! the network: bytes go in, events and problems come out.
