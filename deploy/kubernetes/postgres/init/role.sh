# Run once by the image's entry point, on an empty volume: the role that pipelines use owns its database, and is no superuser.
psql --quiet --no-psqlrc --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres <<'SQL'
\getenv password HELIOTROPE_PASSWORD
CREATE ROLE heliotrope LOGIN PASSWORD :'password';
CREATE DATABASE heliotrope OWNER heliotrope;
REVOKE ALL ON DATABASE heliotrope FROM PUBLIC;
SQL
