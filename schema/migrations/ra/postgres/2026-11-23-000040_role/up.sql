-- What an operator may do (操作者の役割); none for terminals and kiosks.
ALTER TABLE party ADD COLUMN role TEXT CHECK (role IN ('clerk', 'supervisor', 'auditor'));
UPDATE party SET role = 'clerk' WHERE kind = 'operator';
