using System.Numerics;

namespace NativeRanger;

public abstract partial record Optimizer
{
    /// <summary>Binds the recipe to one vector.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="values">The parameters, changed in place by steps.</param>
    /// <param name="backend">What carries out the steps; the native library by default.</param>
    public Stepper<T> Bind<T>(T[] values, Backend? backend = null)
        where T : unmanaged, IFloatingPointIeee754<T> => Bind([new Parameter<T>(DefaultName, values)], backend);

    /// <summary>Binds the recipe to one row-major matrix, whose rows are the outputs.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="values">The parameters, row by row, changed in place by steps.</param>
    /// <param name="rows">The number of rows (outputs).</param>
    /// <param name="columns">The number of columns (inputs).</param>
    /// <param name="backend">What carries out the steps; the native library by default.</param>
    /// <exception cref="ArgumentException">The shape does not multiply to the length.</exception>
    public Stepper<T> Bind<T>(T[] values, long rows, long columns, Backend? backend = null)
        where T : unmanaged, IFloatingPointIeee754<T> =>
        Bind([new Parameter<T>(DefaultName, values, rows, columns)], backend);

    /// <summary>Binds the recipe to one vector in memory backed by an array.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="values">The parameters, changed in place by steps.</param>
    /// <param name="backend">What carries out the steps; the native library by default.</param>
    public Stepper<T> Bind<T>(Memory<T> values, Backend? backend = null)
        where T : unmanaged, IFloatingPointIeee754<T> => Bind([new Parameter<T>(DefaultName, values)], backend);

    /// <summary>Binds the recipe to one array in the memory of a device, on that device.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="values">The parameters, changed in place by steps.</param>
    /// <param name="shape">The extents of its dimensions, of which the first are the outputs; empty for a vector.</param>
    /// <exception cref="ArgumentException">The shape does not multiply to the length.</exception>
    public Stepper<T> Bind<T>(DeviceBuffer<T> values, params ReadOnlySpan<long> shape)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        ArgumentNullException.ThrowIfNull(values);
        return Bind([new Parameter<T>(DefaultName, values, shape)], values.Backend);
    }

    /// <summary>Binds the recipe to several parameters, stepped by one call.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="parameters">At least one parameter; names are unique, memory does not overlap.</param>
    /// <param name="backend">What carries out the steps; the native library by default.</param>
    public Stepper<T> Bind<T>(IEnumerable<Parameter<T>> parameters, Backend? backend = null)
        where T : unmanaged, IFloatingPointIeee754<T> => Bind([new ParameterGroup<T>(parameters)], backend);

    /// <summary>Binds the recipe to groups of parameters, each with options of its own.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="groups">At least one group; names are unique, memory does not overlap.</param>
    /// <param name="backend">What carries out the steps; the native library by default.</param>
    public Stepper<T> Bind<T>(IEnumerable<ParameterGroup<T>> groups, Backend? backend = null)
        where T : unmanaged, IFloatingPointIeee754<T> => new(this, groups, backend ?? NativeBackend.Instance);

    private const string DefaultName = "parameters";
}
