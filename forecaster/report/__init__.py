"""Results for people: tables and text on the terminal, pictures, report files."""
