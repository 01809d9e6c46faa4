"""What there is: tables of everything registered, all that is known of one name, and files of one's own."""
