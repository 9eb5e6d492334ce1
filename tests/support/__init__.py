"""What tests share beside oracles: games and commands they all use, disks, kills, processes, checks of the house."""
