"""Mean dynamics, limit points, and the errors predicted close to one."""
