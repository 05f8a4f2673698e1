using NativeRanger.Bindings;

if (args is not [var header, var output, var library, var className])
{
    await Console.Error.WriteLineAsync(
        """
        Writes the C# bindings of a C header.

        NativeRanger.Bindings <header> <output> <library> <class>

          header   the C header to read
          output   the C# file to write
          library  the name the functions are imported from
          class    the class that holds the functions
        """
    );
    return 2;
}

try
{
    Generator.Write(header, output, library, className);
    return 0;
}
catch (BindingsException exception)
{
    await Console.Error.WriteLineAsync(exception.Message);
    return 1;
}
