"""What we expect: prices, house load and roof on the planner's own steps; pure."""
