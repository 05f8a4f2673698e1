await Console.Error.WriteLineAsync("No header to read.");
return 1;
