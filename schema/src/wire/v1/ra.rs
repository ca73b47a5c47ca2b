//! Messages between terminals and kiosks and the gateway.
