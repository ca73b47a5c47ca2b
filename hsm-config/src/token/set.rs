//! Several tokens that hold the same keys.

use std::time::Instant;

use super::error::TokenError;
use super::health::Health;
use super::key::SignatureAlgorithm;
use super::pool::Token;

/// Tokens that hold the same keys, in order of preference.
///
/// Only what leaves no trace in a token goes through the set: signing and reading
/// public keys. Keys are made token by token, in the ceremony.
#[derive(Clone)]
pub struct TokenSet {
    tokens: Vec<Token>,
}

impl TokenSet {
    /// A set with a first token and those to turn to when it is away.
    pub fn new(first: Token, others: impl IntoIterator<Item = Token>) -> Self {
        let mut tokens = vec![first];
        tokens.extend(others);
        Self { tokens }
    }

    /// The tokens, in order of preference.
    pub fn tokens(&self) -> &[Token] {
        &self.tokens
    }

    /// The health of each token, in order.
    pub fn health(&self) -> Vec<Health> {
        self.tokens.iter().map(Token::health).collect()
    }

    /// Signs with the first token that can.
    ///
    /// # Errors
    /// As [`Token::sign`]: the last token's `Away` when all are away.
    pub fn sign(
        &self,
        key: &str,
        algorithm: SignatureAlgorithm,
        message: &[u8],
        deadline: Instant,
    ) -> Result<Vec<u8>, TokenError> {
        self.first(|token| token.sign(key, algorithm, message, deadline))
    }

    /// The public key, from the first token that can tell.
    ///
    /// # Errors
    /// As [`Token::public_key`].
    pub fn public_key(&self, key: &str, deadline: Instant) -> Result<Vec<u8>, TokenError> {
        self.first(|token| token.public_key(key, deadline))
    }

    /// Tokens known to be usable come first; each in the order of preference.
    fn first<T>(&self, call: impl Fn(&Token) -> Result<T, TokenError>) -> Result<T, TokenError> {
        let (usable, others): (Vec<_>, Vec<_>) = self
            .tokens
            .iter()
            .partition(|token| token.health().is_usable());
        let mut order = usable.into_iter().chain(others).peekable();
        loop {
            // A set has at least one token.
            let token = order.next().unwrap_or(&self.tokens[0]);
            match call(token) {
                Err(TokenError::Away { .. }) if order.peek().is_some() => {}
                outcome => return outcome,
            }
        }
    }
}
