//! Statements of fixed text: each connection prepares one once and keeps it. What the query
//! builder makes of an update, of a list of rows or of a value that may be absent is prepared
//! anew each time, and on the hot path that costs more than carrying it out.

/// A statement with its values, in the order of the question marks in its text. A text holds no
/// other question marks.
macro_rules! prepared {
    (
        $(#[$about:meta])*
        $name:ident on $connection:ty {
            $($field:ident: $kind:ty => $sql:ty,)*
        } -> $row:ty = $text:expr
    ) => {
        $(#[$about])*
        struct $name<'a> {
            $($field: $kind,)*
        }

        impl diesel::query_builder::QueryId for $name<'_> {
            type QueryId = $name<'static>;
            const HAS_STATIC_QUERY_ID: bool = true;
        }

        impl diesel::query_builder::Query for $name<'_> {
            type SqlType = $row;
        }

        impl diesel::RunQueryDsl<$connection> for $name<'_> {}

        impl diesel::query_builder::QueryFragment<<$connection as diesel::Connection>::Backend>
            for $name<'_>
        {
            fn walk_ast<'b>(
                &'b self,
                mut out: diesel::query_builder::AstPass<
                    '_,
                    'b,
                    <$connection as diesel::Connection>::Backend,
                >,
            ) -> diesel::QueryResult<()> {
                let mut pieces = $text.split('?');
                out.push_sql(pieces.next().unwrap_or_default());
                $(
                    out.push_bind_param::<$sql, _>(&self.$field)?;
                    out.push_sql(pieces.next().unwrap_or_default());
                )*
                Ok(())
            }
        }
    };
}

pub(super) use prepared;
