-- Whether RDS takes the role {role} by IAM only: it is in rds_iam, also through another role. That it
-- may manage a role that is there (ADMIN), which it has of every role it made, does not put it there:
-- RDS documents that the master makes the roles that sign in by IAM.
SELECT EXISTS (
    SELECT FROM pg_auth_members
    WHERE pg_get_userbyid(member) = {role} AND (inherit_option OR set_option)
      AND pg_has_role(roleid, 'rds_iam', 'MEMBER')
);
