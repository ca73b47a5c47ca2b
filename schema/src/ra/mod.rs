//! Tables, rows and queries of the registration-authority gateway.
