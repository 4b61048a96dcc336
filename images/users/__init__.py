"""Who the users are: sessions, profiles, and the record that Cognito's trigger creates."""
