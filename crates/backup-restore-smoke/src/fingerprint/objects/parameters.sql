-- Who may set which parameter, beyond what everybody may.
SELECT 'parameter', NULL, p.parname, NULL, g.sign || ' ' || g.grantee, g.privileges, 'v'
FROM pg_parameter_acl p, LATERAL (@beyond(p.paracl, acldefault('p', 10))) AS g(sign, grantee, privileges);
