using System.Numerics;
using NativeRanger.Checkpoints;
using NativeRanger.Exchange;

namespace NativeRanger;

/// <summary>
/// Exchanges runs with PyTorch: the state of <c>torch.optim</c>'s SGD, Adagrad, Adam, AdamW and RAdam, of the original Ranger,
/// and of the original Lookahead around one of them, as a safetensors file.
/// </summary>
/// <remarks>
/// <para>
/// The file is the flattened <c>state_dict()</c>s, with parameters by their names. Tensors, where <c>name</c> is the name of a
/// parameter:
/// </para>
/// <list type="table">
/// <listheader><term>tensor</term><description>what it is</description></listheader>
/// <item><term><c>model.name</c></term><description>the parameter, in row-major order whatever its storage order</description></item>
/// <item>
/// <term><c>optimizer.state.name.key</c></term>
/// <description>
/// <c>step</c> (a number; but for SGD) and <c>momentum_buffer</c> (SGD with momentum), <c>sum</c> (Adagrad), <c>exp_avg</c>,
/// <c>exp_avg_sq</c> and, with AMSGrad, <c>max_exp_avg_sq</c> (Adam, AdamW, RAdam, Ranger), <c>slow_buffer</c> (Ranger); none
/// of them before the parameter's first step
/// </description>
/// </item>
/// <item>
/// <term><c>lookahead.state.name.key</c></term>
/// <description><c>cached_params</c>, the slow weights, and with pullback <c>cached_mom</c></description>
/// </item>
/// </list>
/// <para>
/// The metadata hold <c>optimizer</c>, the name of the class; <c>optimizer.param_groups.name.option</c>, the options of each
/// parameter's group under their Python names, as JSON; <c>steps</c>, the completed steps (optional); and of a Lookahead
/// <c>lookahead._la_step</c>, <c>lookahead._total_la_steps</c>, <c>lookahead.la_alpha</c> and
/// <c>lookahead.pullback_momentum</c>. What PyTorch keeps outside its optimizers is not in the file and is given by the recipe:
/// clipping, centralisation (also the original Ranger's), schedules, the policy for non-finite gradients.
/// docs/PYTORCH.md has the Python side, and where the originals differ.
/// </para>
/// </remarks>
public static class TorchState
{
    /// <summary>Saves a run for PyTorch. The file is replaced as a whole, as by <see cref="Stepper{T}.Save(string, SaveOptions?)"/>.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="stepper">The run.</param>
    /// <param name="path">The file, existing or not; its directory exists.</param>
    /// <param name="options">What is saved, and who is told of progress. Without parameters, nothing stands for them.</param>
    /// <exception cref="NotSupportedException">PyTorch has no optimizer with this state; the message lists why.</exception>
    /// <exception cref="IOException">The file cannot be written; it is as it was.</exception>
    /// <exception cref="InvalidOperationException">As for <see cref="Stepper{T}.Save(string, SaveOptions?)"/>.</exception>
    public static void Save<T>(Stepper<T> stepper, string path, SaveOptions? options = null)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        ArgumentNullException.ThrowIfNull(stepper);
        ArgumentException.ThrowIfNullOrEmpty(path);
        stepper.WhileIdle(() =>
        {
            var writer = new TorchWriter<T>(stepper, options ?? new());
            DurableFile.Write(path, writer.Length, writer.WriteTo);
        });
    }

    /// <summary>Saves a run for PyTorch to a stream, at its position; it is flushed and stays open.</summary>
    /// <inheritdoc cref="Save{T}(Stepper{T}, string, SaveOptions?)"/>
    /// <param name="stepper">The run.</param>
    /// <param name="stream">A stream that can be written; it need not be able to seek.</param>
    /// <param name="options">What is saved, and who is told of progress. Without parameters, nothing stands for them.</param>
    public static void Save<T>(Stepper<T> stepper, Stream stream, SaveOptions? options = null)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        ArgumentNullException.ThrowIfNull(stepper);
        ArgumentNullException.ThrowIfNull(stream);
        stepper.WhileIdle(() =>
        {
            new TorchWriter<T>(stepper, options ?? new()).WriteTo(stream);
            stream.Flush();
        });
    }

    /// <summary>
    /// Loads a run of PyTorch into a stepper that has been bound to the same parameters with the same options: parameters (if
    /// they are in the file), state and counters. Everything is loaded, or nothing has changed.
    /// </summary>
    /// <remarks>
    /// Parameters are matched by name. float32 tensors are read into float64 steppers exactly; float64 is never rounded. Add
    /// averages afterwards, and set <see cref="Stepper{T}.Schedule"/>. While it reads, there is one more copy of parameters and
    /// state in memory.
    /// </remarks>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="stepper">The stepper that goes on.</param>
    /// <param name="path">The file.</param>
    /// <param name="options">Whether options may differ from the file's, and who is told of progress.</param>
    /// <exception cref="CheckpointMismatchException">The file is of something else; it lists all differences.</exception>
    /// <exception cref="InvalidDataException">The file is no safetensors file, or truncated, damaged or hostile.</exception>
    /// <exception cref="NotSupportedException">PyTorch has no optimizer with this state; the message lists why.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="InvalidOperationException">The stepper is in use, is evaluated, or has accumulated micro-batches.</exception>
    public static void Load<T>(Stepper<T> stepper, string path, ResumeOptions? options = null)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        ArgumentNullException.ThrowIfNull(stepper);
        ArgumentException.ThrowIfNullOrEmpty(path);
        using var file = Safetensors.Open(path);
        stepper.WhileIdle(() => TorchReader<T>.Load(stepper, file, wholeFile: true, options ?? new()));
    }

    /// <summary>Loads a run of PyTorch from a stream, which is left at its end.</summary>
    /// <inheritdoc cref="Load{T}(Stepper{T}, string, ResumeOptions?)"/>
    /// <param name="stepper">The stepper that goes on.</param>
    /// <param name="stream">The file's bytes; it need not be able to seek.</param>
    /// <param name="options">Whether options may differ from the file's, and who is told of progress.</param>
    public static void Load<T>(Stepper<T> stepper, Stream stream, ResumeOptions? options = null)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        ArgumentNullException.ThrowIfNull(stepper);
        ArgumentNullException.ThrowIfNull(stream);
        stepper.WhileIdle(() => TorchReader<T>.Load(stepper, stream, wholeFile: false, options ?? new()));
    }
}
