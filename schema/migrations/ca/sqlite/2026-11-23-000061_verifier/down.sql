DROP TABLE provision;
DROP TABLE verifier;
