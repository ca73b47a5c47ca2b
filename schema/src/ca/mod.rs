//! Tables, rows and queries of the certificate authority.
