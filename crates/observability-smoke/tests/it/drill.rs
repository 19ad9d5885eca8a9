//! The drill, against a real Prometheus and Alertmanager.
