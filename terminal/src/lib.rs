pub mod virtual_card;
