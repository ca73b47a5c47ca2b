//! A CA room on a SoftHSM token.
